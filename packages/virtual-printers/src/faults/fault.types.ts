import type { HostCall, HostReply } from '../net/host-server.types.js'

/** What a call to a host wants; `other` is met by faults of `all` calls alone. */
export type CallKind = 'start' | 'upload' | 'delete' | 'cancel' | 'read' | 'other'

/** Which calls a fault meets. */
export const FAULT_CALLS = ['start', 'upload', 'delete', 'cancel', 'read', 'all'] as const
export type FaultCalls = (typeof FAULT_CALLS)[number]

/** How the caller of a late start is left alone: the connection is cut at once, or says nothing until the start landed. */
export const SILENCES = ['dropped', 'hanging'] as const

/** One fault with its own parameters. Delays are wall ms, unlike everything else of a machine. */
export type Fault =
  /** Answers as the host does when it fails inside: 500. */
  | { readonly fault: 'refuse'; readonly calls: FaultCalls }
  /** Waits, then goes on; also when the caller gave up meanwhile. */
  | { readonly fault: 'slow'; readonly calls: FaultCalls; readonly delayMs: number }
  /** Does what was asked, and drops the connection. */
  | { readonly fault: 'lost_answer'; readonly calls: FaultCalls }
  /** The caller gets no answer; the start lands after `delayMs`, if its file is still there. */
  | { readonly fault: 'late_start'; readonly delayMs: number; readonly answer: (typeof SILENCES)[number] }
  /** All bytes are taken and the connection is dropped; the file gets its name after `delayMs`, deleted or not. */
  | { readonly fault: 'late_upload'; readonly delayMs: number }
  /** Answers a start as if it were accepted, and does nothing. */
  | { readonly fault: 'lying_start' }
  /** Destroys the connection after so many bytes of the body; nothing is stored. */
  | { readonly fault: 'cut_upload'; readonly atByte: number }
  /** A delete waits until a start of its file was accepted, three seconds at most, and is carried out in that moment. */
  | { readonly fault: 'delete_race' }
  /** The next print ends `delayMs` after its start, and the host reports it complete. */
  | { readonly fault: 'false_complete'; readonly delayMs: number }

export type FaultName = Fault['fault']

/** How often a fault strikes. */
interface Frequency {
  /** null: until it is disarmed. */
  readonly times: number | null
  /** 0–1, drawn from the seed. */
  readonly probability: number
}

/** What `arm` makes of an order. */
export type FaultPlan = Fault & Frequency

type Optional<T, K extends PropertyKey> = T extends unknown
  ? Omit<T, K> & { readonly [P in keyof T as P extends K ? P : never]?: T[P] }
  : never

type HasDefault<T> = T extends { fault: 'late_start' } ? Optional<T, 'answer'> : T
type HasDelayDefault<T> = T extends { fault: 'false_complete' } ? Optional<T, 'delayMs'> : T

/** A fault to arm; once and surely where nothing else is said. */
export type FaultOrder = HasDelayDefault<HasDefault<Fault>> & Partial<Frequency>

/** An armed fault, and what it did so far. */
export type ArmedFault = FaultPlan & {
  readonly id: string
  /** How often it struck. */
  readonly struck: number
  /** How often it may still strike; null without a limit. */
  readonly left: number | null
}

/** The faults of one printer. */
export interface PrinterFaults {
  /** @throws FaultError for an order that makes no sense, naming its field; or when too many are armed */
  arm(order: FaultOrder): ArmedFault
  /** What is armed, and what has struck as often as it could. */
  list(): readonly ArmedFault[]
  /** What has struck goes on: a late start still lands. @returns how many there were */
  disarm(): number
}

/** What faults need to know about the protocol of a host. */
export interface HostDialect {
  /** What a call wants, and the file that it names. Bodies of commands were held before. */
  classify(call: HostCall): { readonly kind: CallKind; readonly file: string | null }
  /** The host's answer to a start that it accepts. */
  startAccepted(call: HostCall): HostReply
}

/** An order that makes no fault. */
export class FaultError extends Error {
  constructor(
    /** The parameter that is wrong; null when the order as a whole cannot be taken. */
    readonly field: string | null,
    message: string,
  ) {
    super(message)
    this.name = 'FaultError'
  }
}
