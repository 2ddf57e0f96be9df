import { z } from 'zod'

/**
 * Why something waits, was refused or needs a person. Stored and sent as `{ code, params }`; the English text is
 * derived by `reasonText`, never stored.
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
  PRINTER_RESTING: z.object({ untilIso: z.string() }),
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
  FORMAT_MISMATCH: z.object({ has: z.array(z.string()), needs: z.string() }),
  BEHIND_IN_QUEUE: z.object({}),
  COPY_GIVEN_ELSEWHERE: z.object({ printerIds: z.array(z.string()) }),
  // What became of an attempt, or holds a job or a printer until a person looks.
  UPLOAD_FAILED: z.object({ driverCode: z.string(), detail: z.string() }),
  START_REJECTED: z.object({ driverCode: z.string(), detail: z.string() }),
  START_NOT_CONFIRMED: z.object({ attemptId: z.string() }),
  PRINT_FAILED: z.object({ attemptId: z.string(), detail: z.string().nullable() }),
  CANCELLED_AT_PRINTER: z.object({ attemptId: z.string() }),
  CANCELLED_BY_USER: z.object({}),
  REASSIGNED_BY_USER: z.object({ toPrinterId: z.string().nullable() }),
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
