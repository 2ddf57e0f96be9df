import { newId } from '../../src/kernel/index.js'
import { uploaded, type AppUnderTest, type Caller } from '../../src/testing/app-under-test.js'
import { peopleOf } from './audit-people.js'

const GCODE = 'G28\nG1 X10 Y10 E1\n'

/** What calls are made on, by people or behind the server's back. */
export const stage = (app: AppUnderTest) => {
  const { prisma, admin } = app
  const { trpc } = admin
  let count = 0
  const name = () => `Thing ${(count += 1)}`

  const printer = () =>
    trpc.printers.create.mutate({
      ...{ kind: 'octoprint', url: 'http://127.0.0.1:9', checkConnection: false, name: name(), apiKey: 'a device key' },
    })
  const project = () => trpc.projects.create.mutate({ name: name() })
  const file = () => uploaded(admin, `${name()}.gcode`, GCODE)
  const job = async () => {
    const { id } = await file()
    return trpc.printJobs.submit.mutate({ source: { fileId: id, copies: 2 } })
  }
  const webhook = () => trpc.webhooks.create.mutate({ url: 'http://127.0.0.1:9/hook', eventTypes: ['file.removed'] })
  const deadJob = async (type = 'FILE_PROCESSING') => {
    const id = newId('outbox')
    await prisma.outbox.create({
      data: { id, type, payload: {}, state: 'dead', finishedAt: new Date(Date.now() - 2 * 3_600_000) },
    })
    return { id }
  }
  const alarm = async () => {
    const id = newId('alarm')
    const about = { subjectType: 'printer', subjectId: newId('printer') }
    await prisma.alarm.create({ data: { id, code: 'PRINTER_LOST', params: {}, severity: 'warning', ...about } })
    return { id }
  }
  /** One copy of a job is with a printer that nobody drives. */
  const attempt = async (state: 'claimed' | 'unknown') => {
    const [{ id: printerId }, { id: jobId }] = [await printer(), await job()]
    const id = newId('attempt')
    const copyState = state === 'unknown' ? 'held' : 'active'
    await prisma.printCopy.update({
      where: { jobId_number: { jobId, number: 1 } },
      data: { state: copyState, attempts: 1 },
    })
    await prisma.printJob.update({
      where: { id: jobId },
      data: { queuedCopies: 1, ...(copyState === 'held' ? { heldCopies: 1 } : { activeCopies: 1 }) },
    })
    const remote = { remoteName: `${id}.gcode`, leaseEpoch: 1, bedBefore: 'clear' as const }
    await prisma.attempt.create({ data: { id, jobId, printerId, copyNumber: 1, state, ...remote } })
    return { id }
  }
  const delivery = async () => {
    const { id } = await webhook()
    return trpc.webhooks.test.mutate({ id })
  }
  const heldJob = async () => {
    const { id } = await job()
    await prisma.printCopy.updateMany({ where: { jobId: id }, data: { state: 'held' } })
    await prisma.printJob.update({ where: { id }, data: { state: 'held', queuedCopies: 0, heldCopies: 2 } })
    await prisma.hold.create({
      data: { id: newId('hold'), subject: 'print_job', jobId: id, code: 'PRINT_FAILED', params: {} },
    })
    return { id }
  }
  return {
    ...peopleOf(app),
    app,
    printer,
    project,
    file,
    job,
    heldJob,
    webhook,
    deadJob,
    alarm,
    attempt,
    delivery,
    name,
  }
}

export type Stage = ReturnType<typeof stage>

export interface Change {
  prepare: (stage: Stage) => Promise<{ id: string } | null>
  act: (trpc: Caller['trpc'], id: string, stage: Stage) => Promise<unknown>
  target: string
  /** Who it is, where it is no admin: the user whose id was prepared or is the target's, or nobody that is known. */
  by?: 'themselves' | 'anonymous'
  events?: string[]
  /** Table and operation of each. */
  changes?: string[]
}

export const nothing = () => Promise.resolve(null)
