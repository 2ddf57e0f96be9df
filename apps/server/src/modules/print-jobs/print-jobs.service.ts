import type { Attempt, Page, PrintJob, PrintJobState, SubmitPrintJobInput, UpdatePrintJobInput } from '@gantry/schemas'

import {
  GantryError,
  invalidField,
  newId,
  notFound,
  type Actor,
  type AnyReads,
  type EventBus,
  type EventCursor,
  type FollowEvents,
  type Primary,
  type TransactionContext,
  type UnitOfWork,
} from '../../kernel/index.js'
import type { AlarmRepository } from '../alarms/alarms.ports.js'
import { groupsWithin } from '../printers/group-scope.js'
import type { HoldRepository } from '../printers/holds.ports.js'
import type { ProjectRepository } from '../projects/projects.ports.js'
import { editJob } from './edit-job.js'
import { JobStreamReads } from './job-stream-reads.js'
import { jobStream, type JobStreamItem } from './job-stream.js'
import { dispatchWake } from './print-jobs.jobs.js'
import type {
  AttemptRepository,
  NewPrintJob,
  PrintableFileRepository,
  PrintJobQuery,
  PrintJobRepository,
} from './print-jobs.ports.js'
import { requirementsOf } from './requirements.js'

interface Repositories {
  printJobs: PrintJobRepository
  attempts: AttemptRepository
  printableFiles: PrintableFileRepository
  projects: ProjectRepository
  holds: HoldRepository
  alarms: AlarmRepository
}

interface Reads {
  printJobs: PrintJobRepository
  attempts: AttemptRepository
}

export interface PrintJobsServiceDeps {
  unitOfWork: UnitOfWork<Repositories>
  reads: Primary<Reads>
  lists: AnyReads<{ printJobs: Pick<PrintJobRepository, 'list'>; attempts: Pick<AttemptRepository, 'listOfJob'> }>
  bus: EventBus
  follow: FollowEvents
}

type Ordered = Omit<NewPrintJob, 'id' | 'createdById' | 'priority'>
type Transaction = Repositories & TransactionContext

const LISTED_ATTEMPTS = 200

/** The queue as people see it: order copies, cancel them, let them go on. */
export class PrintJobsService {
  private readonly changed: JobStreamReads

  constructor(private readonly deps: PrintJobsServiceDeps) {
    this.changed = new JobStreamReads(deps.reads)
  }

  list(actor: Actor, query: PrintJobQuery): Promise<Page<PrintJob>> {
    return this.deps.lists.read(actor, ({ printJobs }) => printJobs.list(actor, query), {
      query: 'printJobs.list',
      input: query,
      tags: ['print_job', 'attempt'],
    })
  }

  /** @throws GantryError `NOT_FOUND` */
  async get(actor: Actor, jobId: string): Promise<PrintJob> {
    const job = await this.deps.reads.printJobs.get(actor, jobId)
    if (job === null) throw notFound('print job', jobId)
    return job
  }

  async attempts(actor: Actor, jobId: string): Promise<Attempt[]> {
    await this.get(actor, jobId)
    return this.deps.lists.read(actor, ({ attempts }) => attempts.listOfJob(actor, jobId, LISTED_ATTEMPTS))
  }

  /** @throws GantryError `NOT_FOUND`, `VALIDATION_FAILED`, `INVALID_STATE` when no copy is missing */
  async submit(actor: Actor, { idempotencyKey, ...input }: SubmitPrintJobInput): Promise<PrintJob> {
    const { unitOfWork } = this.deps
    const store = (tx: Transaction) => this.store(tx, actor, input)
    const call = { actorId: actor.id, key: idempotencyKey ?? '', procedure: 'printJobs.submit', input }
    const { id } = await (idempotencyKey === undefined ? unitOfWork.run(store) : unitOfWork.once(call, store))
    return this.get(actor, id)
  }

  /** Takes back every copy that is not printed yet, and stops those that print. @throws GantryError `NOT_FOUND` */
  async cancel(actor: Actor, jobId: string): Promise<PrintJob> {
    await this.deps.unitOfWork.run(async (tx) => {
      if ((await tx.printJobs.lock(actor, jobId)) === null) throw notFound('print job', jobId)
      for (const copy of await tx.printJobs.heldCopiesThatFailed(jobId))
        await tx.printJobs.moveCopy(jobId, copy, 'failed', tx.now)
      await tx.printJobs.moveIdleCopies(jobId, 'held', 'cancelled', tx.now)
      const job = await tx.printJobs.moveIdleCopies(jobId, 'queued', 'cancelled', tx.now)
      for (const attempt of await tx.attempts.listActiveOfJob(jobId)) {
        await tx.attempts.update(attempt.id, { cancelRequestedAt: tx.now })
      }
      await this.closeHolds(tx, actor, jobId)
      tx.record(changed(jobId, job.state, job.projectId), actor.id)
    })
    this.deps.bus.wake('printer.command')
    return this.get(actor, jobId)
  }

  /**
   * A person has looked: held copies wait for a printer again, and those given to a certain printer may go anywhere.
   * @throws GantryError `NOT_FOUND`
   */
  async release(actor: Actor, jobId: string): Promise<PrintJob> {
    await this.deps.unitOfWork.run(async (tx) => {
      if ((await tx.printJobs.lock(actor, jobId)) === null) throw notFound('print job', jobId)
      const job = await tx.printJobs.moveIdleCopies(jobId, 'held', 'queued', tx.now)
      await tx.printJobs.unbindCopies(jobId)
      await this.closeHolds(tx, actor, jobId)
      tx.record(changed(jobId, job.state, job.projectId), actor.id)
      tx.jobs.add(dispatchWake, { jobId })
    })
    return this.get(actor, jobId)
  }

  /**
   * Changes name, priority, the number of copies, or what is asked of a printer.
   * @throws GantryError `NOT_FOUND`, `VERSION_CONFLICT`, `VALIDATION_FAILED`, `INVALID_STATE` when the job is over, a copy
   * is with a printer whose requirements would change, or fewer copies are wanted than are begun
   */
  update(actor: Actor, input: UpdatePrintJobInput): Promise<PrintJob> {
    return this.deps.unitOfWork.run(async (tx) => {
      const job = await editJob(tx, actor, input)
      tx.record(changed(job.id, job.state, job.projectId), actor.id)
      tx.jobs.add(dispatchWake, { jobId: job.id })
      return job
    })
  }

  /** Jobs as they change; see {@link jobStream}. */
  watch(actor: Actor, cursor: EventCursor | null, signal: AbortSignal): AsyncGenerator<JobStreamItem, void, void> {
    return jobStream({ ...this.deps, changed: this.changed }, actor, cursor, signal)
  }

  private async store(
    tx: Transaction,
    actor: Actor,
    input: Omit<SubmitPrintJobInput, 'idempotencyKey'>,
  ): Promise<{ id: string }> {
    const { source, priority } = input
    const printerGroupIds = groupsWithin(actor, input.printerGroupIds)
    const ordered =
      'partId' in source
        ? await this.orderPart(tx, actor, source, printerGroupIds)
        : await this.orderFile(tx, actor, source, printerGroupIds)
    const id = newId('printJob')
    await tx.printJobs.create({ ...ordered, id, priority, createdById: actor.id })
    tx.record({ ...aboutJob(id, ordered.projectId), type: 'print_job.created', payload: { jobId: id } }, actor.id)
    tx.jobs.add(dispatchWake, { jobId: id })
    return { id }
  }

  private async orderPart(
    tx: Transaction,
    actor: Actor,
    { partId, copies }: { partId: string; copies?: number | undefined },
    printerGroupIds: string[],
  ): Promise<Ordered> {
    const part = await tx.projects.lockPart(actor, partId)
    if (part === null) throw notFound('project part', partId)
    const missing = part.targetQuantity - part.orderedQuantity
    if (missing <= 0)
      throw new GantryError('INVALID_STATE', { params: { detail: 'every copy of this part is ordered already' } })
    if (copies !== undefined && copies > missing) throw invalidField('source.copies', `only ${missing} more are needed`)
    const file = await tx.printableFiles.version(part.fileVersionId)
    if (file === null) throw notFound('file version', part.fileVersionId)
    return {
      name: `${part.projectName} · ${part.name}`,
      fileVersionId: file.fileVersionId,
      projectId: part.projectId,
      partId,
      copies: copies ?? missing,
      requirements: requirementsOf(file, printerGroupIds),
    }
  }

  private async orderFile(
    tx: Transaction,
    actor: Actor,
    { fileId, copies, name }: { fileId: string; copies: number; name?: string | undefined },
    printerGroupIds: string[],
  ): Promise<Ordered> {
    const file = await tx.printableFiles.latest(actor, fileId)
    if (file === null) throw notFound('file', fileId)
    const { fileVersionId } = file
    const requirements = requirementsOf(file, printerGroupIds)
    return { name: name ?? file.name, fileVersionId, projectId: null, partId: null, copies, requirements }
  }

  /** What calls for a person is answered, save where a copy's fate is still unknown: that is said of the attempt. */
  private async closeHolds(tx: Transaction, actor: Actor, jobId: string): Promise<void> {
    const unknown = (await tx.attempts.listActiveOfJob(jobId)).some(({ state }) => state === 'unknown')
    await tx.holds.release(
      { jobId },
      unknown ? ['PRINT_FAILED', 'CANCELLED_AT_PRINTER', 'FILE_UNAVAILABLE', 'UPLOAD_FAILED', 'START_REJECTED'] : 'all',
      actor.id,
      tx.now,
    )
    for (const alarmId of await tx.alarms.clearOfJob('PRINT_FAILED', jobId, tx.now)) {
      const payload = { alarmId, code: 'PRINT_FAILED' as const }
      tx.record({ type: 'alarm.cleared', subjectType: 'alarm', subjectId: alarmId, payload }, actor.id)
    }
  }
}

const aboutJob = (jobId: string, projectId: string | null) => ({
  subjectType: 'print_job',
  subjectId: jobId,
  projectId,
})

const changed = (jobId: string, state: PrintJobState, projectId: string | null) => ({
  ...aboutJob(jobId, projectId),
  type: 'print_job.changed' as const,
  payload: { jobId, state },
})
