import type { JobRequirements, PrintFile, PrintJobEvent } from '@gantry/schemas'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { openPersistence, type Persistence } from '../../src/app/persistence.js'
import { PRISMA_FOLDER } from '../../src/app/installation.js'
import { createEventLog } from '../../src/db/event-log.js'
import { Lifecycle, newId } from '../../src/kernel/index.js'
import { databaseConfig } from '../../src/testing/database-config.js'
import { startAppUnderTest, uploaded, type AppUnderTest } from '../../src/testing/app-under-test.js'
import type { LiveEvent } from '../../src/testing/live-events.js'
import { settleTransactions } from '../../src/testing/open-database.js'
import { quietLog } from '../../src/testing/printing-rig.js'
import { TINY_GCODE } from '../../src/testing/tiny-gcode.js'

let app: AppUnderTest
let file: PrintFile
/** Another server on the same database, whose transactions the test holds in its hand. */
let other: Persistence
const otherLife = new Lifecycle(quietLog())

beforeAll(async () => {
  app = await startAppUnderTest({ GANTRY_ROLES: 'api' })
  file = await uploaded(app.admin, 'tiny.gcode', TINY_GCODE)
  other = await openPersistence({
    config: { dataDir: '', database: databaseConfig(app.databaseUrl, 4) },
    prismaFolder: PRISMA_FOLDER,
    instanceId: newId('instance'),
    log: quietLog(),
    lifecycle: otherLife,
  })
})
afterAll(async () => {
  await otherLife.stop()
  await app[Symbol.asyncDispose]()
})

const submit = () => app.admin.trpc.printJobs.submit.mutate({ source: { fileId: file.id, copies: 1 } })

const changedJobs = (seen: readonly LiveEvent<PrintJobEvent>[]) =>
  seen.flatMap(({ data }) => (data.type === 'changed' ? [data.job.id] : []))

const isSnapshot = (seen: readonly LiveEvent<{ type: string }>[]) => seen.some(({ data }) => data.type === 'snapshot')

/** A transaction that has begun to write, and commits when it is told. */
const begunOrder = async () => {
  const id = newId('printJob')
  let commit: () => void = () => undefined
  let begun: () => void = () => undefined
  const told = new Promise<void>((resolve) => (commit = resolve))
  const writing = new Promise<void>((resolve) => (begun = resolve))
  const done = other.unitOfWork.run(async (tx) => {
    const requirements: JobRequirements = {
      materials: [],
      nozzleDiameterMm: null,
      sizeMm: null,
      printerModels: [],
      printerGroupIds: [],
      fileFormat: 'gcode',
    }
    const order = { id, name: 'overlapping', fileVersionId: file.latest.id, projectId: null, partId: null }
    await tx.printJobs.create({ ...order, copies: 1, priority: 0, requirements, createdById: 'system' })
    tx.record({ type: 'print_job.created', subjectType: 'print_job', subjectId: id, payload: { jobId: id } }, 'system')
    begun()
    await told
  })
  await writing
  const commits = () => {
    commit()
    return done
  }
  return { id, commits }
}

describe('the stream of print jobs', () => {
  it.each([
    ['last', [1, 0]],
    ['first', [0, 1]],
  ])(
    'shows each of two overlapping transactions once when the one that began first commits %s',
    async (_when, order) => {
      await using stream = await app.admin.stream('printJobs.onChange')
      await stream.until(isSnapshot)
      const begun = [await begunOrder(), await begunOrder()]
      for (const index of order) await begun[index]?.commits()
      const behind = await submit()
      const seen = await stream.until((so) => changedJobs(so).includes(behind.id))
      const expected = new Set([...begun.map(({ id }) => id), behind.id])
      expect(changedJobs(seen).filter((id) => expected.has(id))).toHaveLength(3)
      expect(new Set(changedJobs(seen))).toEqual(expected)
      expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length)
    },
  )

  it('goes on behind the last event after a cut, without gap or double while jobs change', async () => {
    await using before = await app.admin.stream('printJobs.onChange')
    await before.until(isSnapshot)
    const jobs: string[] = []
    const submitAll = async () => {
      for (let round = 0; round < 25; round += 1) {
        const submitted = await Promise.all([submit(), submit(), submit(), submit()])
        jobs.push(...submitted.map(({ id }) => id))
      }
    }
    const changing = submitAll()
    const seen: LiveEvent<PrintJobEvent>[] = []
    const missing = () => 100 - new Set(changedJobs(seen)).size
    let cursor = before.cut()
    for (let connection = 0; missing() > 0; connection += 1) {
      await using stream = await app.admin.stream('printJobs.onChange', cursor)
      const wanted = Math.min(2 + connection, missing())
      await stream.until((so) => changedJobs(so).length >= wanted)
      cursor = stream.cut()
      seen.push(...stream.seen)
    }
    await changing
    expect(changedJobs(seen).toSorted()).toEqual(jobs.toSorted())
    expect(isSnapshot(seen)).toBe(false)
  })

  it('begins again with a snapshot for a cursor that is too old, or none', async () => {
    await using first = await app.admin.stream('printJobs.onChange')
    await first.until(isSnapshot)
    const cursor = first.cut()
    const job = await submit()
    await submit()
    await app.prisma.$executeRaw`update event set created_at = now() - interval '2 days'`
    await settleTransactions(app.prisma)
    await createEventLog(app.prisma).removeOlderThan(24)
    for (const old of [cursor, 'no cursor at all']) {
      await using stream = await app.admin.stream('printJobs.onChange', old)
      const [event] = await stream.until(isSnapshot)
      expect(event?.data).toMatchObject({ type: 'snapshot', resync: true })
      expect(event?.data.type === 'snapshot' && event.data.jobs.some(({ id }) => id === job.id)).toBe(true)
      const next = await submit()
      expect(changedJobs(await stream.until((so) => changedJobs(so).length > 0))).toEqual([next.id])
    }
  })

  it('ends at once for strangers, and says why', async () => {
    await using stream = await app.nobody.stream('printJobs.onChange')
    expect([await stream.ended(), stream.seen]).toEqual(['UNAUTHENTICATED', []])
  })
})

describe('the stream of printers', () => {
  it('gives all of them first, then each change, and each removal', async () => {
    const { trpc } = app.admin
    const host = { kind: 'octoprint', url: 'http://127.0.0.1:9', checkConnection: false } as const
    const known = await trpc.printers.create.mutate({ ...host, name: 'Known' })
    await using stream = await app.admin.stream('printers.onStatus')
    const [first] = await stream.until(isSnapshot)
    expect(first?.data).toMatchObject({ type: 'snapshot', printers: [{ printerId: known.id, state: 'offline' }] })
    const later = await trpc.printers.create.mutate({ ...host, name: 'Later' })
    await trpc.printers.hold.mutate({ id: known.id, note: 'nozzle' })
    await stream.until((seen) => {
      const changes = seen.flatMap(({ data }) => (data.type === 'changed' ? [data.printer] : []))
      const isHeld = changes.some(
        ({ printerId, waitingFor }) => printerId === known.id && waitingFor.some(({ code }) => code === 'PRINTER_HELD'),
      )
      return isHeld && changes.some(({ printerId }) => printerId === later.id)
    })
    await trpc.printers.remove.mutate({ id: later.id })
    await stream.until((seen) => seen.some(({ data }) => data.type === 'removed' && data.printerId === later.id))
  })
})

describe('the stream of alarms', () => {
  it('shows an alarm raised, acknowledged and cleared, and resumes behind what it showed', async () => {
    const { trpc } = app.admin
    const aTime: unknown = expect.any(String)
    await using stream = await app.admin.stream('alarms.onChange')
    await stream.until(isSnapshot)
    const id = await raise()
    await stream.until(({ length }) => length === 2)
    const cursor = stream.cut()
    await trpc.alarms.acknowledge.mutate({ id })
    await trpc.alarms.clear.mutate({ id })
    await using rest = await app.admin.stream('alarms.onChange', cursor)
    const events = [...stream.seen, ...(await rest.until(({ length }) => length === 2))].map(({ data }) => data)
    expect(events).toMatchObject([
      { type: 'snapshot', resync: false, alarms: [] },
      { type: 'changed', alarm: { id, code: 'PRINTER_ERROR' } },
      { type: 'changed', alarm: { id } },
      { type: 'changed', alarm: { id, acknowledgedAt: aTime, clearedAt: aTime } },
    ])
    await using afresh = await app.admin.stream('alarms.onChange')
    expect((await afresh.until(isSnapshot))[0]?.data).toMatchObject({ alarms: [] })
  })
})

const raise = (): Promise<string> =>
  other.unitOfWork.run(async (tx) => {
    const subject = { subjectType: 'system', subjectId: 'outbox' } as const
    const alarmId = await tx.alarms.raise({ ...subject, code: 'PRINTER_ERROR', severity: 'warning', params: {} })
    if (alarmId === null) throw new Error('the alarm was open already')
    const payload = { alarmId, code: 'PRINTER_ERROR' } as const
    tx.record({ type: 'alarm.raised', subjectType: 'alarm', subjectId: alarmId, payload }, 'system')
    return alarmId
  })
