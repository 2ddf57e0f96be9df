import type { CopyCounts, PrintJobState } from '@gantry/schemas'

/**
 * A job's state follows from its copies alone. Work in progress shows first, then what waits for a person, then what
 * waits for a printer; a job is over only when nothing is left to do.
 */
export const jobStateOf = (counts: CopyCounts): PrintJobState => {
  if (counts.active > 0) return 'printing'
  if (counts.held > 0) return 'held'
  if (counts.queued > 0) return counts.done > 0 ? 'printing' : 'queued'
  if (counts.failed > 0) return 'failed'
  return counts.done > 0 ? 'done' : 'cancelled'
}

export const isOver = (state: PrintJobState): boolean => state === 'done' || state === 'failed' || state === 'cancelled'
