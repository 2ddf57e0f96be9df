import type { PrintEvidence, PrintOutcome } from '../../modules/printers/printer-driver.port.js'
import { isActive, mapReport, type Observation, remotePathOf } from './mapper.js'
import type { FileMessage } from './wire.js'

export interface EvidenceSources {
  observation: Observation
  /** The file's own record; null when the host has no such file. */
  file: FileMessage | null
  /** What the host told on this connection. */
  told: { outcome: PrintOutcome; printSeconds: number | null } | undefined
}

const ended = (outcome: PrintOutcome, printSeconds: number | null): PrintEvidence => ({
  kind: 'ended',
  outcome,
  hostJobRef: null,
  printSeconds,
  filamentUsedMm: null,
})

/** Whether the host works on this file now. */
export const worksOn = (observation: Observation, remotePath: string): boolean => {
  const { state, job } = mapReport(observation)
  return isActive(state) && job?.remotePath === remotePath
}

/**
 * OctoPrint keeps one record per file, of its last print, and forgets it with the file. It knows success and failure
 * only: a cancelled print is a failure there, unless the host told us of the cancellation itself.
 */
export const evidenceFor = (remotePath: string, { observation, file, told }: EvidenceSources): PrintEvidence => {
  if (worksOn(observation, remotePath)) return { kind: 'active', hostJobRef: null }
  const last = file?.prints?.last
  if (told !== undefined) return ended(told.outcome, told.printSeconds ?? last?.printTime ?? null)
  if (last !== undefined) return ended(last.success ? 'completed' : 'failed', last.printTime)
  const { file: selected } = observation.job
  if (remotePathOf(selected.path, selected.origin) !== remotePath) return { kind: 'none' }
  const { completion, printTime } = observation.progress
  return (completion ?? 0) >= 100 ? ended('completed', printTime) : { kind: 'touched' }
}
