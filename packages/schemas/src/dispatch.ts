import { z } from 'zod'

import { idOf } from './ids.js'
import { attemptState, printJobState } from './print-jobs.js'
import { printerState } from './printers.js'

/** A reason as people read it: code and params, and the English sentence for them. */
export const toldReason = z.object({ code: z.string(), params: z.record(z.string(), z.unknown()), text: z.string() })
export type ToldReason = z.infer<typeof toldReason>

/** Why a job's waiting copies do not go to one printer. No reasons: nothing is in the way. */
export const printerVerdict = z.object({
  printerId: idOf('printer'),
  printerName: z.string(),
  reasons: z.array(toldReason),
  evaluatedAt: z.date(),
})

/** Why a job's copies wait: its own holds, and what is in the way at each printer. */
export const jobExplanation = z.object({
  jobId: idOf('printJob'),
  state: printJobState,
  holds: z.array(toldReason),
  printers: z.array(printerVerdict),
})
export type JobExplanation = z.infer<typeof jobExplanation>

/** What a printer waits for, and what it does instead. */
export const printerExplanation = z.object({
  printerId: idOf('printer'),
  printerName: z.string(),
  state: printerState,
  /** What keeps it from any job; empty when it is free. */
  waitingFor: z.array(toldReason),
  /** What a person must release, with all that is known of it. */
  holds: z.array(toldReason),
  /** The copy in hand. `jobName` is null for a job that the caller may not see. */
  attempt: z
    .object({
      id: idOf('attempt'),
      jobId: idOf('printJob'),
      jobName: z.string().nullable(),
      copyNumber: z.int().nullable(),
      state: attemptState,
    })
    .nullable(),
  /** The jobs at the head of the queue, first come first, and why the printer does not suit them; no reasons: it does. */
  queue: z.array(
    z.object({
      jobId: idOf('printJob'),
      jobName: z.string(),
      reasons: z.array(toldReason),
    }),
  ),
})
export type PrinterExplanation = z.infer<typeof printerExplanation>

/** What would start where now, by the rules of the dispatcher; nothing is claimed by looking. */
export const dispatchPreview = z.object({
  /** In the order in which the dispatcher would give them. */
  starts: z.array(
    z.object({
      jobId: idOf('printJob'),
      jobName: z.string(),
      copyNumber: z.int(),
      printerId: idOf('printer'),
      printerName: z.string(),
    }),
  ),
  /** Jobs with copies that no printer would take now, first come first. */
  waiting: z.array(
    z.object({
      jobId: idOf('printJob'),
      jobName: z.string(),
      copies: z.int(),
      /** One entry per code, with the first printer's params, and at how many printers it is in the way. */
      reasons: z.array(toldReason.extend({ printers: z.int() })),
    }),
  ),
  /** Whether more jobs wait than were looked at or are listed. */
  more: z.boolean(),
  evaluatedAt: z.date(),
})
export type DispatchPreview = z.infer<typeof dispatchPreview>
