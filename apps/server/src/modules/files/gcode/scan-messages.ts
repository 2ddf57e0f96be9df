import type { GcodeScan } from './gcode-scanner.js'

/** What one file's scan asks of the thread. The bytes are transferred, and come back. */
export type ThreadOrder = { kind: 'bytes'; bytes: ArrayBuffer; length: number } | { kind: 'finish' } | { kind: 'drop' }

/** The same on its way; `scan` numbers the file that is meant. */
export type ScanOrder = ThreadOrder & { scan: number }

/** What the thread tells. After `finished` or `failed` it knows the scan no more. */
export type ScanReport = { scan: number } & (
  { kind: 'read'; bytes: ArrayBuffer } | { kind: 'finished'; result: GcodeScan } | { kind: 'failed'; error: unknown }
)
