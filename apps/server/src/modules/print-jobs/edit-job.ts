import type { JobRequirements, PrintJob, UpdatePrintJobInput } from '@gantry/schemas'

import { GantryError, invalidField, notFound, type Actor, type TransactionContext } from '../../kernel/index.js'
import { groupsWithin } from '../printers/group-scope.js'
import type { ProjectRepository } from '../projects/projects.ports.js'
import { isOver } from './print-job.state.js'
import type { AttemptRepository, JobPatch, PrintableFileRepository, PrintJobRepository } from './print-jobs.ports.js'
import { requirementsOf } from './requirements.js'

interface EditRepositories {
  printJobs: PrintJobRepository
  attempts: AttemptRepository
  printableFiles: PrintableFileRepository
  projects: ProjectRepository
}

type Transaction = EditRepositories & TransactionContext
type Asked = NonNullable<UpdatePrintJobInput['requirements']>

/**
 * Changes a job that is not over. Its row is locked first, as by every claim: a copy is either claimed before, and then
 * what it prints stands, or by what is said here.
 * @throws GantryError `NOT_FOUND`, `VERSION_CONFLICT`, `VALIDATION_FAILED`, `INVALID_STATE`
 */
export const editJob = async (tx: Transaction, actor: Actor, input: UpdatePrintJobInput): Promise<PrintJob> => {
  if ((await tx.printJobs.lock(actor, input.id)) === null) throw notFound('print job', input.id)
  const job = await find(tx, actor, input.id)
  if (input.ifVersion !== undefined && input.ifVersion !== job.version) throw new GantryError('VERSION_CONFLICT')
  if (isOver(job.state)) throw refused(`the job is ${job.state}`)
  const { name, priority, copies, requirements } = input
  const patch: JobPatch = {
    ...(name === undefined ? {} : { name }),
    ...(priority === undefined ? {} : { priority }),
    ...(requirements === undefined ? {} : { requirements: await narrowed(tx, actor, job, requirements) }),
  }
  await tx.printJobs.update(job.id, patch, tx.now)
  if (copies !== undefined && copies !== job.copies) await resize(tx, actor, job, copies)
  return find(tx, actor, job.id)
}

const find = async ({ printJobs }: Transaction, actor: Actor, jobId: string): Promise<PrintJob> => {
  const job = await printJobs.get(actor, jobId)
  if (job === null) throw notFound('print job', jobId)
  return job
}

const refused = (detail: string) => new GantryError('INVALID_STATE', { params: { detail } })

/** What the file itself asks stands: a person may only ask for more. */
const narrowed = async (tx: Transaction, actor: Actor, job: PrintJob, asked: Asked): Promise<JobRequirements> => {
  if ((await tx.attempts.listActiveOfJob(job.id)).length > 0) throw refused('a copy is with a printer already')
  const file = await tx.printableFiles.version(job.fileVersionId)
  if (file === null) throw notFound('file version', job.fileVersionId)
  const own = requirementsOf(file, [])
  for (const field of ['materials', 'nozzleDiameterMm', 'printerModels'] as const) {
    const isFree = isEmpty(own[field]) || asked[field] === undefined || isSame(asked[field], own[field])
    if (!isFree) throw invalidField(`requirements.${field}`, 'is what the file was sliced for, and stands')
  }
  const { materials, nozzleDiameterMm, printerModels, printerGroupIds } = asked
  return {
    ...job.requirements,
    ...(materials === undefined ? {} : { materials }),
    ...(nozzleDiameterMm === undefined ? {} : { nozzleDiameterMm }),
    ...(printerModels === undefined ? {} : { printerModels }),
    ...(printerGroupIds === undefined ? {} : { printerGroupIds: groupsWithin(actor, printerGroupIds) }),
  }
}

const isEmpty = (value: unknown): boolean => value === null || (Array.isArray(value) && value.length === 0)
const isSame = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** More copies wait; fewer are taken from those with which nobody has begun. */
const resize = async (
  tx: Transaction,
  actor: Actor,
  { id, copies, partId }: PrintJob,
  wanted: number,
): Promise<void> => {
  if (wanted > copies) {
    await expectMissing(tx, actor, partId, wanted - copies)
    await tx.printJobs.addCopies(id, wanted - copies, tx.now)
    return
  }
  const removed = await tx.printJobs.removeCopies(id, copies - wanted, tx.now)
  if (removed < copies - wanted) throw refused(`${copies - removed} copies are begun or over`)
}

/** As when they were ordered: no more than the project still needs. */
const expectMissing = async (tx: Transaction, actor: Actor, partId: string | null, more: number): Promise<void> => {
  const part = partId === null ? null : await tx.projects.lockPart(actor, partId)
  if (part === null) return
  const missing = Math.max(0, part.targetQuantity - part.orderedQuantity)
  if (more > missing) throw invalidField('copies', `only ${missing} more are needed`)
}
