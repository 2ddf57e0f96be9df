import { z } from 'zod'

import { fileFormat } from './files.js'
import { idempotencyKey, idOf } from './ids.js'
import { materialName } from './printers.js'
import { reasonSchema } from './reasons.js'

export const printJobState = z.enum(['queued', 'printing', 'held', 'done', 'failed', 'cancelled'])
export type PrintJobState = z.infer<typeof printJobState>

/** `newest` first, or the `queue`: only jobs with waiting copies, in the order in which they are given to printers. */
export const printJobOrder = z.enum(['newest', 'queue'])
export type PrintJobOrder = z.infer<typeof printJobOrder>

export const attemptState = z.enum([
  'claimed',
  'uploading',
  'starting',
  'printing',
  'paused',
  'unknown',
  'completed',
  'failed',
  'cancelled',
  'revoked',
])
export type AttemptState = z.infer<typeof attemptState>

/** The states in which an attempt holds its printer and its copy. */
export const ACTIVE_ATTEMPT_STATES = [
  'claimed',
  'uploading',
  'starting',
  'printing',
  'paused',
  'unknown',
] as const satisfies readonly AttemptState[]

/** What a printer must satisfy to get a copy. Empty lists and nulls ask for nothing. */
export const jobRequirements = z.object({
  /** One per tool used, such as `['PLA']`. */
  materials: z.array(z.string()),
  nozzleDiameterMm: z.number().nullable(),
  sizeMm: z.object({ x: z.number(), y: z.number(), z: z.number() }).nullable(),
  printerModels: z.array(z.string()),
  printerGroupIds: z.array(idOf('printerGroup')),
  /** What the file is; jobs from before there was a choice print g-code. */
  fileFormat: fileFormat.default('gcode'),
})
export type JobRequirements = z.infer<typeof jobRequirements>

export const attempt = z.object({
  id: idOf('attempt'),
  jobId: idOf('printJob'),
  copyNumber: z.int(),
  printerId: idOf('printer'),
  state: attemptState,
  reason: reasonSchema.nullable(),
  printSeconds: z.number().nullable(),
  filamentUsedMm: z.number().nullable(),
  filamentUsedGrams: z.number().nullable(),
  /** A person wants the copy printed at another printer: at this one, or at any other (null). */
  reassign: z.object({ requestedAt: z.date(), toPrinterId: idOf('printer').nullable() }).nullable(),
  claimedAt: z.date(),
  startedAt: z.date().nullable(),
  endedAt: z.date().nullable(),
})
export type Attempt = z.infer<typeof attempt>

export const copyCounts = z.object({
  queued: z.int(),
  active: z.int(),
  done: z.int(),
  failed: z.int(),
  cancelled: z.int(),
  held: z.int(),
})
export type CopyCounts = z.infer<typeof copyCounts>

export const printJob = z.object({
  id: idOf('printJob'),
  name: z.string(),
  state: printJobState,
  fileVersionId: idOf('fileVersion'),
  projectId: idOf('project').nullable(),
  partId: idOf('projectPart').nullable(),
  copies: z.int(),
  counts: copyCounts,
  priority: z.int(),
  requirements: jobRequirements,
  holds: z.array(reasonSchema),
  version: z.int(),
  createdAt: z.date(),
  updatedAt: z.date(),
  finishedAt: z.date().nullable(),
})
export type PrintJob = z.infer<typeof printJob>

const copies = z.int().min(1).max(10_000)

/**
 * Order copies of a part of a project (all that are still missing, unless `copies` says fewer), or of a file.
 * `requirements` narrow what was parsed from the file; they never widen it.
 */
export const submitPrintJobInput = z.strictObject({
  source: z.union([
    z.strictObject({ partId: idOf('projectPart'), copies: copies.optional() }),
    z.strictObject({ fileId: idOf('file'), copies, name: z.string().trim().min(1).max(100).optional() }),
  ]),
  priority: z.int().min(-100).max(100).default(0),
  printerGroupIds: z.array(idOf('printerGroup')).max(100).default([]),
  idempotencyKey: idempotencyKey.optional(),
})
export type SubmitPrintJobInput = z.infer<typeof submitPrintJobInput>

/**
 * Change a job that is not over. `requirements` replace what is given, and may only ask for more than the file itself;
 * they are refused while a copy is with a printer. `copies` goes down to those that are begun.
 */
export const updatePrintJobInput = z.strictObject({
  id: idOf('printJob'),
  ifVersion: z.int().optional(),
  name: z.string().trim().min(1).max(100).optional(),
  priority: z.int().min(-100).max(100).optional(),
  copies: copies.optional(),
  requirements: z
    .strictObject({
      materials: z.array(materialName).max(64).optional(),
      nozzleDiameterMm: z.number().min(0.05).max(5).nullable().optional(),
      printerModels: z.array(z.string().trim().min(1).max(100)).max(100).optional(),
      printerGroupIds: z.array(idOf('printerGroup')).max(100).optional(),
    })
    .optional(),
})
export type UpdatePrintJobInput = z.infer<typeof updatePrintJobInput>
