import type { Scheduler } from './machine/scheduler.js'
import type { Clock } from './machine/clock.js'
import type { PrinterFaults } from './faults/fault.types.js'
import type { HostGate } from './net/host-server.types.js'

export type HostKind = 'octoprint' | 'moonraker'

/** The printer host in front of one machine, on a real socket. */
export interface VirtualHost {
  readonly kind: HostKind
  /** Base URL without a trailing slash; stays the same for the host's life. */
  readonly url: string
  readonly apiKey: string
  /** Every request passes here; assign to inject faults, `null` to end them. */
  gate: HostGate | null
  /** Faults by name, armed at run time; they strike before the gate. */
  readonly faults: PrinterFaults
  readonly online: boolean
  /** Closes the port and destroys all its sockets; the machine prints on. */
  goOffline(): Promise<void>
  /** Listens on the same port again. */
  goOnline(): Promise<void>
  /** The host's process restarts: sessions, subscriptions and selection are gone, files stay. */
  restart(options?: RestartOptions): Promise<void>
  /**
   * Power fails for the host and its machine, and comes back, perhaps with a print that nobody ordered here. A print that
   * ran is lost; its file and whatever lies on the bed stay. The host is online afterwards.
   * @throws as `startAtPanel`; the host is online all the same
   */
  powerCycle(printing?: { readonly name: string; readonly content?: string | Uint8Array }): Promise<void>
  /**
   * A person prints a file that is on the host, or brings it along (`content`).
   * @throws Error when the file is not there; MachineError when the machine is busy
   */
  startAtPanel(name: string, content?: string | Uint8Array): Promise<void>
  /** Closes everything and removes the uploaded files. */
  stop(): Promise<void>
}

export interface RestartOptions {
  /**
   * `lose`: what the host knew of earlier prints is gone too (Moonraker's database, OctoPrint's records of its files).
   * @default 'keep'
   */
  readonly history?: 'keep' | 'lose'
}

/** What every host needs; `createOctoPrintHost(machine, options)` and `createMoonrakerHost(machine, options)` take it. */
export interface HostOptions {
  readonly clock: Clock
  readonly scheduler: Scheduler
  /** Folder of this host alone, made when missing and removed by `stop()`. */
  readonly dataDir: string
  /** @default '127.0.0.1' */
  readonly host?: string
  /** @default 0, a free one */
  readonly port?: number
  /** @default a random one */
  readonly apiKey?: string
  /** Wall ms between two reports on a push socket. @default 500 */
  readonly reportIntervalMs?: number
  /** With it, faults of less than full probability strike the same calls in every run. @default a random one */
  readonly seed?: string
}
