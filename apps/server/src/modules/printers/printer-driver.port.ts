import type { Readable } from 'node:stream'

import type { HeaterReading, PrinterKind } from '@gantry/schemas'

/**
 * The port that every driver implements. A driver turns one printer host's protocol into the words below; nothing of
 * the host's own vocabulary passes it, save as text for a person.
 *
 * A {@link DriverConnection} lives for one connection. When it breaks, `closed` resolves and the connection is of no
 * more use; the printers module decides when to connect again.
 */
export interface PrinterDriver {
  readonly kind: PrinterKind
  /**
   * Connects, checks that the host is what it is said to be, authenticates, opens the push channel and waits for the
   * first full report, which is emitted before this resolves.
   * @throws DriverError `unreachable`, `auth`, `not_recognised`, `protocol`, `timeout`
   */
  connect(target: DriverTarget, options: ConnectOptions): Promise<DriverConnection>
  /**
   * Stops the machine at once, on the shortest way and without all the rest of a connection: for an emergency in which
   * whoever is connected does not answer. @throws DriverError
   */
  emergencyStop(target: DriverTarget, signal: AbortSignal): Promise<void>
}

export interface DriverTarget {
  /** The host's base URL, path prefix included. */
  url: string
  apiKey: string | null
}

export interface ConnectOptions {
  /** Aborts the attempt to connect, and closes the connection afterwards. */
  signal: AbortSignal
  /** Called in the order in which the host spoke; must not throw. */
  onEvent: (event: DriverEvent) => void
}

/** What the host can do, refined after connecting. G-code every host prints; `3mf` is for those that print sliced 3MF too. */
export type DriverCapability = 'pause' | 'emergencyStop' | 'history' | 'layers' | 'setTemperature' | 'chamber' | '3mf'

export interface HostIdentity {
  /** The product and its version as the host says them, such as `OctoPrint 1.11.8`. */
  product: string
  /** What tells this host from another at the same address, where the protocol has such a thing. */
  uniqueId: string | null
}

/**
 * What the host says of its printer, normalised; a local flag such as maintenance is not known here.
 * `offline` here means: the host answers, but its printer does not (`printerConnected` is false).
 */
export type HostState = 'offline' | 'idle' | 'printing' | 'pausing' | 'paused' | 'cancelling' | 'finished' | 'error'

export interface HostJob {
  /** Path on the host, comparable with what {@link DriverConnection.upload} returned. */
  remotePath: string | null
  /** The host's own reference of this run, where it has one. */
  hostJobRef: string | null
  /** 0–1, null when unknown; never falls within one job. */
  progress: number | null
  elapsedSeconds: number | null
  remainingSeconds: number | null
  layer: number | null
  layerCount: number | null
  filamentUsedMm: number | null
}

/** A complete view of the host at one moment. */
export interface HostReport {
  /** The host's own word for its state, for people and logs. */
  observed: string
  state: HostState
  printerConnected: boolean
  /** Why no job can be started although the state would allow it, such as manual movement; null when nothing is in the way. */
  busyDetail: string | null
  attention: { text: string; severity: 'info' | 'warning' | 'error' } | null
  heaters: HeaterReading[]
  /** The running job, or the one that ended last while the host still shows it (`finished`); null when there is none. */
  job: HostJob | null
}

export type PrintOutcome = 'completed' | 'failed' | 'cancelled'

export type DriverEvent =
  /** The latest view; sent at once when the state or the job changes and at most about once a second otherwise. */
  | { type: 'report'; report: HostReport }
  /** The host said that it started this file. */
  | { type: 'printStarted'; remotePath: string; hostJobRef: string | null }
  /** The host said that this file's print ended. Sent once per end. */
  | {
      type: 'printEnded'
      remotePath: string
      hostJobRef: string | null
      outcome: PrintOutcome
      detail: string | null
      printSeconds: number | null
      filamentUsedMm: number | null
    }

/** What the host knows of one remote path, read from the host itself at the time of asking. */
export type PrintEvidence =
  /** The host works on it now, pauses included. */
  | { kind: 'active'; hostJobRef: string | null }
  /** It ended. */
  | {
      kind: 'ended'
      outcome: PrintOutcome
      hostJobRef: string | null
      printSeconds: number | null
      filamentUsedMm: number | null
    }
  /** It ended or is loaded, but the host does not say how it went. */
  | { kind: 'touched' }
  /** No trace. Proves nothing by itself. */
  | { kind: 'none' }

/** The answer to a delete, by what the host's own JSON says. `unknown` covers all that proves nothing. */
export type RevokeAnswer = 'deleted' | 'absent' | 'in_use' | 'unknown'

export type StartAnswer =
  /** The host took the order; the print is confirmed by events or reports, not by this. */
  | { kind: 'sent' }
  /** The host refused; nothing started and nothing will. */
  | { kind: 'rejected'; error: DriverError }
  /** No answer, or one that proves nothing. The print may start, now or later. */
  | { kind: 'unknown'; error: DriverError }

export interface UploadSource {
  sizeBytes: number
  sha256: string
  /** Opens the content from its first byte; called once per try. */
  open(): Readable
}

export interface RemoteFile {
  remotePath: string
  sizeBytes: number | null
  modifiedAt: Date | null
}

export interface HistoryEntry {
  remotePath: string
  hostJobRef: string | null
  outcome: PrintOutcome | 'running' | 'unknown'
  startedAt: Date | null
  endedAt: Date | null
}

/** What a key may do, found by really uploading and deleting a small file of our own. */
export interface PermissionProbe {
  upload: boolean
  delete: boolean
  print: boolean
  /** The host's words for what was refused; null when all is allowed. */
  detail: string | null
}

export interface DriverConnection {
  readonly identity: HostIdentity
  readonly capabilities: ReadonlySet<DriverCapability>
  /** Resolves once, when the connection has ended: with the error that ended it, or null after `close()`. */
  readonly closed: Promise<DriverError | null>

  /** @throws DriverError when the host did not answer; a refusal is a result. */
  probePermissions(signal: AbortSignal): Promise<PermissionProbe>
  /** Reads the state from the host now, never from what was pushed before. @throws DriverError */
  readReport(signal: AbortSignal): Promise<HostReport>
  /**
   * Uploads without starting. Resolves with the path under which the host stored it, after its size was verified.
   * A failed upload may leave a file behind; the caller revokes its name.
   * @throws DriverError `conflict_file`, `storage_full`, `too_large`, `bad_file`, `auth`, `unreachable`, `timeout`, …
   */
  upload(source: UploadSource, remoteName: string, options: UploadOptions): Promise<{ remotePath: string }>
  /** Never throws for what the host said or did not say. */
  start(remotePath: string, signal: AbortSignal): Promise<StartAnswer>
  /** Pauses that job; refuses with `busy` when the host works on another. @throws DriverError */
  pause(remotePath: string | null, signal: AbortSignal): Promise<void>
  /** @throws DriverError */
  resume(remotePath: string | null, signal: AbortSignal): Promise<void>
  /** @throws DriverError */
  cancel(remotePath: string | null, signal: AbortSignal): Promise<void>
  /** Stops the machine at once. @throws DriverError `unsupported` where the host has no such call */
  emergencyStop(signal: AbortSignal): Promise<void>
  /** Deletes the file so that it can never start again. Never throws for what the host said or did not say. */
  revoke(remotePath: string, signal: AbortSignal): Promise<RevokeAnswer>
  /** Looks for positive evidence in state, job, history and the file's own record. @throws DriverError when the host did not answer */
  evidence(remotePath: string, signal: AbortSignal): Promise<PrintEvidence>
  /** At most `limit` files, all folders included. @throws DriverError */
  listFiles(limit: number, signal: AbortSignal): Promise<RemoteFile[]>
  /**
   * What the host remembers of prints, newest first: each of them where it keeps a history, else the last one of each
   * file that is still there. Empty where it keeps neither. @throws DriverError
   */
  history(limit: number, signal: AbortSignal): Promise<HistoryEntry[]>
  /** @throws DriverError `unsupported`, `rejected` */
  setTemperature(heater: string, targetCelsius: number, signal: AbortSignal): Promise<void>
  /** Ends the connection; idempotent. */
  close(): Promise<void>
}

export interface UploadOptions {
  signal: AbortSignal
  onProgress?: (sentBytes: number) => void
}

export type DriverErrorCode =
  | 'unreachable'
  | 'timeout'
  | 'auth'
  | 'not_recognised'
  | 'not_connected'
  | 'busy'
  | 'not_found'
  | 'conflict_file'
  | 'storage_full'
  | 'bad_file'
  | 'too_large'
  | 'unsupported'
  | 'rejected'
  | 'protocol'
  | 'address_refused'
  | 'aborted'

/** What went wrong at a host, in one vocabulary for all kinds. `message` is safe to show: no key, no password. */
export class DriverError extends Error {
  override readonly name = 'DriverError'
  constructor(
    readonly code: DriverErrorCode,
    message: string,
    readonly details: { httpStatus?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause })
  }
}
