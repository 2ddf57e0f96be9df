import { z } from 'zod'

/**
 * Why something waits, was refused or needs a person. Stored and sent as `{ code, params }`; the English text is
 * derived by {@link reasonText}, never stored.
 */
const reasonParams = {
  // What keeps a printer from taking a job.
  PRINTER_DISABLED: z.object({}),
  PRINTER_IN_MAINTENANCE: z.object({}),
  PRINTER_OFFLINE: z.object({ detail: z.string().nullable() }),
  PRINTER_NOT_REPORTED: z.object({}),
  PRINTER_NOT_READY: z.object({ state: z.string() }),
  PRINTER_BUSY: z.object({ attemptId: z.string().nullable() }),
  PRINTER_HELD: z.object({ code: z.string() }),
  PRINTER_NOT_SERVED: z.object({}),
  HOST_NOT_DISPATCHABLE: z.object({ detail: z.string() }),
  HOST_PERMISSION_MISSING: z.object({ permission: z.enum(['upload', 'delete', 'print']), detail: z.string() }),
  BED_OCCUPIED: z.object({ sinceIso: z.string().nullable() }),
  // What keeps this job from this printer.
  MATERIAL_MISMATCH: z.object({ has: z.array(z.string()), needs: z.array(z.string()) }),
  MATERIAL_UNKNOWN: z.object({ needs: z.array(z.string()) }),
  NOZZLE_MISMATCH: z.object({ hasMm: z.number(), needsMm: z.number() }),
  NOZZLE_UNKNOWN: z.object({ needsMm: z.number() }),
  VOLUME_TOO_SMALL: z.object({ axis: z.enum(['x', 'y', 'z']), hasMm: z.number(), needsMm: z.number() }),
  VOLUME_UNKNOWN: z.object({}),
  MODEL_MISMATCH: z.object({ has: z.string().nullable(), needs: z.array(z.string()) }),
  GROUP_MISMATCH: z.object({ needs: z.array(z.string()) }),
  // What became of an attempt, or holds a job or a printer until a person looks.
  UPLOAD_FAILED: z.object({ driverCode: z.string(), detail: z.string() }),
  START_REJECTED: z.object({ driverCode: z.string(), detail: z.string() }),
  START_NOT_CONFIRMED: z.object({ attemptId: z.string() }),
  PRINT_FAILED: z.object({ attemptId: z.string(), detail: z.string().nullable() }),
  CANCELLED_AT_PRINTER: z.object({ attemptId: z.string() }),
  CANCELLED_BY_USER: z.object({}),
  PRINTER_LOST: z.object({ attemptId: z.string(), detail: z.string().nullable() }),
  ATTEMPT_UNKNOWN: z.object({ attemptId: z.string() }),
  OUTCOME_UNKNOWN: z.object({ attemptId: z.string() }),
  FILE_UNAVAILABLE: z.object({ fileVersionId: z.string() }),
  LEASE_LOST: z.object({}),
  EMERGENCY_STOP: z.object({}),
  RESOLVED_BY_PERSON: z.object({ userId: z.string(), printed: z.boolean() }),
  SET_BY_PERSON: z.object({ note: z.string().nullable() }),
} as const

export type ReasonCode = keyof typeof reasonParams
export type ReasonParams<C extends ReasonCode> = z.infer<(typeof reasonParams)[C]>
export type Reason = { [C in ReasonCode]: { code: C; params: ReasonParams<C> } }[ReasonCode]

export const REASON_CODES = Object.keys(reasonParams) as ReasonCode[]

/** Parses a stored or received reason; params are checked against their code. */
export const reasonSchema: z.ZodType<Reason> = z.discriminatedUnion(
  'code',
  REASON_CODES.map((code) => z.object({ code: z.literal(code), params: reasonParams[code] })) as never,
)

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
  UPLOAD_FAILED: ({ detail }) => `The file could not be sent to the printer: ${detail}.`,
  START_REJECTED: ({ detail }) => `The printer refused to start: ${detail}.`,
  START_NOT_CONFIRMED: () => 'The start was not confirmed and was taken back.',
  PRINT_FAILED: ({ detail }) => `The print failed${because(detail)}.`,
  CANCELLED_AT_PRINTER: () => 'The print was cancelled at the printer.',
  CANCELLED_BY_USER: () => 'The job was cancelled.',
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
