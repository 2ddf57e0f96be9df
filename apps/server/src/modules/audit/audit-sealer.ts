import { SweepLoop } from '../../kernel/sweep-loop.js'
import { GantryError, type Logger, type Primary, type UnitOfWork } from '../../kernel/index.js'
import type { AuditRepository, Chain, Draft, Mark, Redact, SealedEntry } from './audit.ports.js'
import { Drafting } from './drafts.js'
import { hashOf, type Seals } from './seals.js'

interface Repositories {
  audit: AuditRepository
}

export interface AuditSealerDeps {
  unitOfWork: UnitOfWork<Repositories>
  reads: Primary<Repositories>
  seals: Seals
  redact: Redact
  log: Logger
}

const EVERY_MS = 1_000
/** In one go of the sealer. */
const TRANSACTIONS = 100
const GOES = 50

/**
 * Makes entries of what was changed and joins them to the chain, in the order in which their transactions began and only
 * when nothing can come before them any more. One at a time does so, whichever holds the chain; no change waits for it.
 */
export class AuditSealer {
  private readonly loop: SweepLoop
  private readonly drafting: Drafting
  /** The end of the chain as this process saw it last. */
  private seen: Mark | null = null

  constructor(private readonly deps: AuditSealerDeps) {
    this.drafting = new Drafting(deps.redact)
    this.loop = new SweepLoop({
      look: async () => {
        await this.sealAll()
        return EVERY_MS
      },
      everyMs: EVERY_MS,
      onTrouble: (err) => deps.log.error({ err }, 'the audit log is not sealed'),
    })
  }

  start(): void {
    this.loop.poke()
  }

  stop(): Promise<void> {
    return this.loop.stop()
  }

  /** Seals what is there. @throws GantryError `INTERNAL` when the chain is not as the server left it */
  async sealAll(): Promise<void> {
    const { reads, unitOfWork } = this.deps
    for (let go = 0; go < GOES && (await reads.audit.hasPending()); go += 1) {
      const head = await unitOfWork.run((tx) => this.sealSome(tx.audit))
      if (head === null) return
      this.seen = head
    }
  }

  /** @returns the end of the chain; null when there is nothing to do, or somebody else does it */
  private async sealSome(audit: AuditRepository): Promise<Mark | null> {
    const chain = await audit.lockChain(false)
    if (chain === null) return null
    this.assertUntouched(chain)
    const pending = await audit.pending(TRANSACTIONS)
    if (pending.length === 0) return null
    const drafts = this.drafting.draftsOf(pending)
    const names = await audit.namesOf(drafts.flatMap(({ actorId }) => actorId ?? []))
    const entries = this.joined(chain.head, drafts, names)
    const { seq, hash } = entries.at(-1) ?? chain.head
    const head = this.deps.seals.seal('head', seq, hash)
    await audit.seal(entries, head, [...new Set(pending.map(({ txid }) => txid))])
    return head
  }

  private joined({ seq, hash }: Mark, drafts: readonly Draft[], names: ReadonlyMap<string, string>): SealedEntry[] {
    let last = { seq, hash }
    return drafts.map((draft) => {
      const actorName = draft.actorName ?? (draft.actorId === null ? null : (names.get(draft.actorId) ?? null))
      const facts = { ...draft, actorName, seq: last.seq + 1 }
      last = { seq: facts.seq, hash: hashOf(facts, last.hash) }
      return { ...facts, ...this.deps.seals.seal('entry', last.seq, last.hash) }
    })
  }

  /** To go on from an end that somebody else has set would vouch for it. */
  private assertUntouched({ head }: Chain): void {
    const { seals, log } = this.deps
    const judgement = seals.judge('head', head)
    const isBehind = this.seen !== null && head.seq < this.seen.seq
    if (judgement === 'wrong' || isBehind) {
      throw new GantryError('INTERNAL', {
        detail: `the end of the audit log at ${head.seq} is not what the server wrote`,
      })
    }
    if (judgement === 'unknown')
      log.warn({ keyId: head.keyId, seq: head.seq }, 'the audit log goes on under another key')
  }
}
