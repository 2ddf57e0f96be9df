import type { DispatchPreview, JobExplanation, PrinterExplanation, Reason } from '@gantry/schemas'

import { notFound, SYSTEM_ACTOR, type Actor, type Snapshots } from '../../kernel/index.js'
import { allPrinters } from '../printers/all-printers.js'
import { composeStatus, freshWord, obstacles } from '../printers/printer-status.js'
import type { PrinterRecord, PrinterRepository } from '../printers/printers.ports.js'
import type { StatusBoard } from '../printers/status-board.js'
import { unfitness } from './fit.js'
import { preview } from './preview.js'
import type { AttemptRepository, PrintJobRepository } from './print-jobs.ports.js'
import { told } from './told.js'

interface Reads {
  attempts: AttemptRepository
  printJobs: PrintJobRepository
  printers: PrinterRepository
}

/**
 * Why things wait, and what would happen next: computed when somebody asks, from the rows at one moment and the latest
 * word of every printer, by the functions with which claims are decided.
 */
export class DispatchService {
  constructor(private readonly deps: { database: Snapshots<Reads>; board: Pick<StatusBoard, 'get' | 'clock'> }) {}

  /** Why the job's copies wait, per printer. @throws GantryError `NOT_FOUND` */
  explainJob(actor: Actor, jobId: string): Promise<JobExplanation> {
    return this.deps.database.snapshot(async ({ printJobs, printers, now }) => {
      const job = await printJobs.get(actor, jobId)
      if (job === null) throw notFound('print job', jobId)
      const { queued } = job.counts
      const bindings = await printJobs.queuedCopies([jobId], 0)
      const waiting = { requirements: job.requirements, queuedCopies: queued, bindings }
      const records = [...(await allPrinters(printers, actor)).values()]
      return {
        jobId,
        state: job.state,
        holds: job.holds.map(told),
        printers: records.map((record) => ({
          printerId: record.id,
          printerName: record.name,
          reasons: [...unfitness(record.id, record, waiting), ...this.obstacles(record)].map(told),
          evaluatedAt: now,
        })),
      }
    })
  }

  /** What the printer waits for, what it has in hand, and how the next `limit` jobs suit it. @throws GantryError `NOT_FOUND` */
  explainPrinter(actor: Actor, printerId: string, limit: number): Promise<PrinterExplanation> {
    const { board, database } = this.deps
    return database.snapshot(async (reads) => {
      const record = await reads.printers.get(actor, printerId)
      if (record === null) throw notFound('printer', printerId)
      const { waitingFor, state } = composeStatus(record, board.get(printerId), board.clock.now())
      const jobs = await reads.printJobs.waiting({ kinds: null, after: null, limit })
      const attempt = await attemptInHand(reads, actor, record)
      const names = await reads.printJobs.names(actor, [
        ...jobs.map(({ id }) => id),
        ...(attempt ? [attempt.jobId] : []),
      ])
      return {
        printerId,
        printerName: record.name,
        state,
        waitingFor: waitingFor.map(told),
        holds: record.holds.map(told),
        attempt: attempt && { ...attempt, jobName: names.get(attempt.jobId) ?? null },
        queue: jobs.flatMap((job) => {
          const jobName = names.get(job.id)
          return jobName === undefined
            ? []
            : [{ jobId: job.id, jobName, reasons: unfitness(printerId, record, job).map(told) }]
        }),
      }
    })
  }

  /** What would start where now, and up to `limit` jobs that nothing would take. Claims nothing. */
  preview(actor: Actor, limit: number): Promise<DispatchPreview> {
    return this.deps.database.snapshot(async (reads) => {
      const everything = await allPrinters(reads.printers, SYSTEM_ACTOR)
      const mine = await allPrinters(reads.printers, actor)
      const printers = [...everything.values()].map((facts) => ({
        ...{ printerId: facts.id, facts, isShown: mine.has(facts.id) },
        obstacles: this.obstacles(facts),
      }))
      return { ...(await preview(reads.printJobs, actor, printers, limit)), evaluatedAt: reads.now }
    })
  }

  private obstacles(record: PrinterRecord): Reason[] {
    const { board } = this.deps
    const nowMs = board.clock.now()
    return obstacles(record, freshWord(board.get(record.id), nowMs), nowMs)
  }
}

const attemptInHand = async (
  { attempts }: Pick<Reads, 'attempts'>,
  actor: Actor,
  { activeAttempt }: PrinterRecord,
): Promise<Omit<NonNullable<PrinterExplanation['attempt']>, 'jobName'> | null> => {
  if (activeAttempt === null) return null
  const { id, jobId, state } = activeAttempt
  const visible = await attempts.get(actor, id)
  return { id, jobId, state, copyNumber: visible?.copyNumber ?? null }
}
