import type { ReasonCode, ReasonParams } from './reasons.js'

const orNone = (list: readonly string[]) => (list.length === 0 ? 'nothing' : list.join(', '))
const because = (detail: string | null) => (detail === null ? '' : `: ${detail}`)

const texts: { [C in ReasonCode]: (params: ReasonParams<C>) => string } = {
  PRINTER_DISABLED: () => 'The printer is switched off in Gantry.',
  PRINTER_IN_MAINTENANCE: () => 'The printer is in maintenance.',
  PRINTER_OFFLINE: ({ detail }) => `The printer does not answer${because(detail)}.`,
  PRINTER_NOT_REPORTED: () => 'The printer has not reported its full state yet.',
  PRINTER_NOT_READY: ({ state }) => `The printer is ${state}.`,
  PRINTER_BUSY: () => 'The printer already works on a copy.',
  PRINTER_HELD: ({ code }) => `The printer is held (${code}) until a person looks at it.`,
  PRINTER_NOT_SERVED: () => 'No running server drives this printer.',
  PRINTER_RESTING: () => 'The printer gave its last copy back and rests a while.',
  HOST_NOT_DISPATCHABLE: ({ detail }) => `The printer host takes no job now: ${detail}.`,
  HOST_PERMISSION_MISSING: ({ permission, detail }) => `The key for the printer host may not ${permission}: ${detail}.`,
  BED_OCCUPIED: () => 'The bed is not cleared.',
  MATERIAL_MISMATCH: ({ has, needs }) => `Needs ${orNone(needs)}, has ${orNone(has)} loaded.`,
  MATERIAL_UNKNOWN: ({ needs }) => `Needs ${orNone(needs)}, but no material is set for the printer.`,
  NOZZLE_MISMATCH: ({ hasMm, needsMm }) => `Needs a ${needsMm} mm nozzle, has ${hasMm} mm.`,
  NOZZLE_UNKNOWN: ({ needsMm }) => `Needs a ${needsMm} mm nozzle, but the printer's nozzle is not set.`,
  VOLUME_TOO_SMALL: ({ axis, hasMm, needsMm }) => `Needs ${needsMm} mm along ${axis}, has ${hasMm} mm.`,
  VOLUME_UNKNOWN: () => "The printer's build volume is not set.",
  MODEL_MISMATCH: ({ has, needs }) => `Sliced for ${orNone(needs)}, this is ${has ?? 'of an unknown model'}.`,
  GROUP_MISMATCH: () => 'The job is restricted to other printer groups.',
  FORMAT_MISMATCH: ({ has, needs }) => `The file is ${needs}, and this printer takes ${orNone(has)}.`,
  BEHIND_IN_QUEUE: () => 'The printer is free, and another job comes first.',
  COPY_GIVEN_ELSEWHERE: () => 'A person gave the waiting copies to other printers.',
  UPLOAD_FAILED: ({ detail }) => `The file could not be sent to the printer: ${detail}.`,
  START_REJECTED: ({ detail }) => `The printer refused to start: ${detail}.`,
  START_NOT_CONFIRMED: () => 'The start was not confirmed and was taken back.',
  PRINT_FAILED: ({ detail }) => `The print failed${because(detail)}.`,
  CANCELLED_AT_PRINTER: () => 'The print was cancelled at the printer.',
  CANCELLED_BY_USER: () => 'The job was cancelled.',
  REASSIGNED_BY_USER: () => 'A person gave the copy to another printer.',
  PRINTER_LOST: ({ detail }) => `The printer was lost while printing${because(detail)}.`,
  ATTEMPT_UNKNOWN: () => 'It is not known whether the print started; a person must say.',
  OUTCOME_UNKNOWN: () => 'The print ended while nobody watched and its outcome is not known; a person must say.',
  FILE_UNAVAILABLE: () => 'The print file is missing from storage.',
  LEASE_LOST: () => 'Another server took the printer over.',
  EMERGENCY_STOP: () => 'An emergency stop was ordered.',
  RESOLVED_BY_PERSON: ({ printed }) => `A person said that the copy was ${printed ? 'printed' : 'not printed'}.`,
  SET_BY_PERSON: ({ note }) => `Held by a person${because(note)}.`,
}

/** The English sentence for a reason. */
export const reasonText = <C extends ReasonCode>(reason: { code: C; params: ReasonParams<C> }): string =>
  texts[reason.code](reason.params)
