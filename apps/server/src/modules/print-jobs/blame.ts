import type { Reason } from '@gantry/schemas'

/**
 * Whose fault it is that a copy was given back. A `file` that no printer takes keeps its copy waiting for a person; a
 * `printer` rests a while, or is held when only a person can help it. `nobody` is to blame for a cancelled job.
 */
export interface Blame {
  on: 'file' | 'printer' | 'nobody'
  needsPerson: boolean
}

const NOBODY: Blame = { on: 'nobody', needsPerson: false }
const FILE: Blame = { on: 'file', needsPerson: true }

const FILE_FAULTS = new Set(['bad_file', 'too_large'])
const PRINTER_NEEDS_PERSON = new Set(['auth', 'storage_full', 'unsupported'])

export const blameFor = (reason: Reason | null): Blame => {
  switch (reason?.code) {
    case 'FILE_UNAVAILABLE':
      return FILE
    case 'UPLOAD_FAILED':
    case 'START_REJECTED': {
      const { driverCode } = reason.params
      if (FILE_FAULTS.has(driverCode)) return FILE
      return { on: 'printer', needsPerson: PRINTER_NEEDS_PERSON.has(driverCode) }
    }
    case 'START_NOT_CONFIRMED':
      return { on: 'printer', needsPerson: false }
    default:
      return NOBODY
  }
}
