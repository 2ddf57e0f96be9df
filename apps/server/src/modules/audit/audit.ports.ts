import type { AuditChange, AuditEntry, AuditListInput, Page } from '@gantry/schemas'

import type { Actor, Caller } from '../../kernel/index.js'

/** What the database's triggers know of who made a change. */
export type StoredCall = Caller | { kind: 'database'; actorId: string; ip: string | null; userAgent: string | null }

/** One change that waits to be sealed. */
export interface PendingChange {
  /** The transaction that made it. */
  txid: string
  at: Date
  call: StoredCall
  operation: AuditChange['operation'] | 'event' | 'refusal'
  /** The table, the type of the event, or the error's code. */
  source: string
  targetId: string | null
  before: Record<string, unknown> | null
  after: Record<string, unknown> | null
  /** How many its transaction made, beyond those that were read too. */
  total: number
}

/** What is hashed of an entry. */
export interface EntryFacts extends Omit<AuditEntry, 'hash'> {
  /** The ids of all that it is about. */
  touched: string[]
}

export type Draft = Omit<EntryFacts, 'seq'>

/** A place in the chain that the server vouches for. */
export interface Mark {
  seq: number
  hash: string
  /** Of the key that made the seal; empty where nothing was sealed yet. */
  keyId: string
  seal: string
  /** Of the end of the chain: keys of before that it vouches for. */
  earlierKeys?: readonly string[]
}

export interface SealedEntry extends EntryFacts, Mark {}

export interface Chain {
  /** The last entry that was removed for its age. */
  base: Mark
  head: Mark
}

/** What was refused, how often. */
export interface Refusal {
  caller: Caller
  errorCode: string
  /** That somebody tried to log in with. */
  account: string | null
  times: number
}

export type AuditQuery = Omit<AuditListInput, 'cursor'> & { cursor: string | null }

export interface AuditRepository {
  /**
   * Newest first. It tells of everything, so only who sees everything sees it.
   * @throws GantryError `VALIDATION_FAILED` for a cursor that this list never gave
   */
  list(actor: Actor, query: AuditQuery): Promise<Page<AuditEntry>>

  noteRefusals(refusals: readonly Refusal[]): Promise<void>

  hasPending(): Promise<boolean>
  /** Nobody else changes it until the transaction ends. @returns null when somebody does, and `waits` is not wanted */
  lockChain(waits: boolean): Promise<Chain | null>
  /** Of the oldest transactions that are settled, in reading order: of each the first hundred, events before rows. */
  pending(transactions: number): Promise<PendingChange[]>
  /** What users and keys are called now. */
  namesOf(actorIds: readonly string[]): Promise<Map<string, string>>
  /** Keeps the entries, moves the head, and forgets what they were made of. */
  seal(entries: readonly SealedEntry[], head: Mark, txids: readonly string[]): Promise<void>

  chain(): Promise<Chain>
  /** Entries behind this one, in order. */
  page(afterSeq: number, limit: number): Promise<SealedEntry[]>
  /** The last entry of the oldest `limit` that is older; null when the first is not. */
  lastOlderThan(days: number, limit: number): Promise<Pick<Mark, 'seq' | 'hash'> | null>
  /** @returns how many went */
  removeUpTo(base: Mark): Promise<number>
}

/** Takes secrets out by the names of fields and the form of texts. */
export type Redact = (fields: object) => object
