import type { Clock } from '../machine/clock.js'
import type { VirtualMachine } from '../machine/machine.types.js'
import type { Authorization } from './authorization.js'
import type { Connections } from './connections.js'
import type { FileOperations } from './file-operations.js'
import type { GcodeScript } from './gcode-script.js'
import type { HistoryStore } from './history-store.js'
import type { Klippy } from './klippy.js'
import type { ServedFiles } from './served-files.js'

/** A camera as `server.webcams.list` shows it; the URLs may be relative to the web server on port 80. */
export interface WebcamOptions {
  readonly name: string
  readonly streamUrl: string
  readonly snapshotUrl: string
}

/** What the methods of one host work with. */
export interface Services {
  readonly hostname: string
  readonly machine: VirtualMachine
  readonly clock: Clock
  readonly klippy: Klippy
  readonly script: GcodeScript
  readonly files: ServedFiles
  readonly fileOperations: FileOperations
  readonly history: HistoryStore
  readonly authorization: Authorization
  readonly connections: Connections
  readonly webcams: readonly WebcamOptions[]
}

/** Klipper's `eventtime`: seconds that never go back. */
export function eventTime(clock: Clock): number {
  return clock.nowMs() / 1_000
}
