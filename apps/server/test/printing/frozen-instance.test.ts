import pg from 'pg'
import { describe, expect, it } from 'vitest'

import { startInstance } from '../../src/testing/fleet-instance.js'
import { FreezableClock } from '../../src/testing/freezable-clock.js'
import { untilOneWaitsForLock } from '../../src/testing/open-database.js'
import { createIdleRig, QUICK_TIMINGS, type PrintingRig } from '../../src/testing/printing-rig.js'
import { attemptIn, attemptsOf, inState } from './looks.js'

const SHORTER_LEASES = { ...QUICK_TIMINGS, leases: { ...QUICK_TIMINGS.leases, leaseSeconds: 5 } }

/** Lets uploads of prints arrive, and keeps the answers until `open`. */
const holdAnswersToUploads = ({ virtual }: PrintingRig) => {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  for (const { host } of virtual.printers)
    host.gate = async (call, next) => {
      const isUpload = call.channel === 'http' && call.method === 'POST' && call.path === '/server/files/upload'
      // What a driver tries the host with is small.
      const isPrint = isUpload && Number(call.request.headers['content-length'] ?? 0) > 10_000
      const reply = await next(call)
      if (isPrint) await opened
      return reply
    }
  return open
}

/** Nobody can record an event in this database until `letGo`: transactions stand still after all that they check. */
const holdEvents = async (url: string) => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('BEGIN')
  await client.query('LOCK TABLE event IN SHARE MODE')
  return { letGo: () => client.end() }
}

describe('an instance that stands still inside its lease', () => {
  it('notes a start in time and does not send it, when it goes on after its lease; another prints the copy', async () => {
    await using rig = await createIdleRig({ moonraker: 1, speed: 60 })
    await rig.registerAll()
    const openAnswers = holdAnswersToUploads(rig)
    const { prisma } = rig.persistence.database
    const owners = () => prisma.printerRuntime.findMany({ select: { leaseOwner: true } })
    const clock = new FreezableClock()
    await using first = await startInstance(rig.persistence.url, { timings: SHORTER_LEASES, clock })
    await expect.poll(owners).toEqual([{ leaseOwner: first.id }])
    await using second = await startInstance(rig.persistence.url)
    const jobId = await rig.order(1)
    // A busy machine may take a while to connect.
    await rig.eventually(async () => (await attemptsOf(rig, jobId))[0]?.state === 'uploading', 60_000)

    const events = await holdEvents(rig.persistence.url)
    clock.freeze()
    openAnswers()
    await untilOneWaitsForLock(prisma)
    // The transaction that notes the start has the printer locked, so that nobody takes it over yet.
    const lease = () => prisma.$queryRaw<{ over: boolean }[]>`SELECT lease_until < now() AS over FROM printer_runtime`
    await expect.poll(lease).toEqual([{ over: true }])
    await events.letGo()
    await expect.poll(owners).toEqual([{ leaseOwner: second.id }])
    await attemptIn(rig, jobId, 'printing')

    clock.thaw()
    rig.virtual.setSpeed(5_000)
    await inState(rig, jobId, 'done')
    expect((await attemptsOf(rig, jobId)).map(({ state }) => state).toSorted()).toEqual(['completed', 'revoked'])
    expect(await prisma.attempt.count({ where: { startSentAt: { not: null } } })).toBe(2)
    expect(rig.virtual.counts().total).toMatchObject({ starts: 1, done: 1, secondStarts: 0 })
  }, 150_000)
})
