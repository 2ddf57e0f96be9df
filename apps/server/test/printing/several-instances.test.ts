import { setTimeout as sleep } from 'node:timers/promises'

import { describe, expect, it } from 'vitest'

import { SYSTEM_ACTOR } from '../../src/kernel/index.js'
import { startInstance, type FleetInstance } from '../../src/testing/fleet-instance.js'
import { createIdleRig, type PrintingRig } from '../../src/testing/printing-rig.js'
import { attemptIn, attemptsOf, inState, openAlarms } from './looks.js'

/** How many printers each instance drives by the database; those that nobody does stand under `nobody`. */
const spread = async ({ persistence }: PrintingRig): Promise<Record<string, number>> => {
  const rows = await persistence.database.prisma.$queryRaw<{ owner: string; printers: number }[]>`
    SELECT coalesce(CASE WHEN lease_until > now() THEN lease_owner END, 'nobody') AS owner, count(*)::int AS printers
    FROM printer_runtime GROUP BY 1`
  return Object.fromEntries(rows.map(({ owner, printers }) => [owner, printers]))
}

const becomesSpread = (rig: PrintingRig, wanted: Record<string, number>) =>
  expect.poll(() => spread(rig), { timeout: 25_000, interval: 50 }).toEqual(wanted)

const onePrinterEach = (...instances: FleetInstance[]) => Object.fromEntries(instances.map(({ id }) => [id, 1]))

/** A fresh look at what a person would read as the printers' states. */
const states = async ({ persistence }: PrintingRig) =>
  (await persistence.reads.printers.list(SYSTEM_ACTOR, { limit: 100, cursor: null, groupId: null })).items
    .map(({ state }) => state)
    .toSorted()

describe('several instances on one database', () => {
  it('share the printers out when a second and a third come, and settle', async () => {
    await using rig = await createIdleRig({ octoprint: 4, moonraker: 3 })
    await rig.registerAll()
    await using first = await startInstance(rig.persistence.url)
    await becomesSpread(rig, { [first.id]: 7 })
    await using second = await startInstance(rig.persistence.url)
    await becomesSpread(rig, { [first.id]: 4, [second.id]: 3 })
    const epochs = () => rig.persistence.database.prisma.printerRuntime.aggregate({ _sum: { leaseEpoch: true } })
    const settled = await epochs()
    await sleep(2_000)
    expect(await epochs()).toEqual(settled)
    await using third = await startInstance(rig.persistence.url)
    await becomesSpread(rig, { [first.id]: 3, [second.id]: 3, [third.id]: 1 })
  }, 90_000)

  it('take new printers at once, whoever has room', async () => {
    await using rig = await createIdleRig({ octoprint: 2 })
    await using first = await startInstance(rig.persistence.url)
    await using second = await startInstance(rig.persistence.url)
    await rig.registerAll()
    await becomesSpread(rig, onePrinterEach(first, second))
  })

  it('hand over what prints without disturbing it, and give no copy back', async () => {
    await using rig = await createIdleRig({ octoprint: 1, moonraker: 1, speed: 60 })
    await rig.registerAll()
    await using first = await startInstance(rig.persistence.url)
    const jobId = await rig.order(2)
    await rig.eventually(async () => {
      const attempts = await attemptsOf(rig, jobId)
      return attempts.length === 2 && attempts.every(({ state }) => state === 'printing')
    })
    await using second = await startInstance(rig.persistence.url)
    await becomesSpread(rig, onePrinterEach(first, second))
    await first.stop()
    await becomesSpread(rig, { [second.id]: 2 })
    rig.virtual.setSpeed(5_000)
    await inState(rig, jobId, 'done')
    expect((await attemptsOf(rig, jobId)).map(({ state }) => state)).toEqual(['completed', 'completed'])
    expect(rig.virtual.counts().total).toMatchObject({ starts: 2, done: 2, secondStarts: 0 })
    expect(await openAlarms(rig)).toEqual([])
  })

  it('keep a printer to which a copy is on its way, until its print has begun', async () => {
    await using rig = await createIdleRig({ octoprint: 2, speed: 60 })
    await rig.registerAll()
    let letThrough = (): void => undefined
    const opened = new Promise<void>((resolve) => (letThrough = resolve))
    for (const { host } of rig.virtual.printers)
      host.gate = async (call, next) => {
        const isUpload = call.channel === 'http' && call.method === 'POST' && call.path === '/api/files/local'
        if (isUpload && Number(call.request.headers['content-length'] ?? 0) > 10_000) await opened
        return next(call)
      }
    await using first = await startInstance(rig.persistence.url)
    const jobId = await rig.order(2)
    await rig.eventually(async () => {
      const attempts = await attemptsOf(rig, jobId)
      return attempts.length === 2 && attempts.every(({ state }) => state === 'uploading')
    })
    await using second = await startInstance(rig.persistence.url)
    await sleep(1_500)
    expect(await spread(rig)).toEqual({ [first.id]: 2 })
    letThrough()
    await becomesSpread(rig, onePrinterEach(first, second))
    await attemptIn(rig, jobId, 'printing')
    rig.virtual.setSpeed(5_000)
    await inState(rig, jobId, 'done')
    expect(await attemptsOf(rig, jobId)).toHaveLength(2)
    expect(rig.virtual.counts().total).toMatchObject({ starts: 2, secondStarts: 0 })
  })

  it('leave their printers to the others at once when they stop', async () => {
    await using rig = await createIdleRig({ octoprint: 3, moonraker: 3 })
    await rig.registerAll()
    await using first = await startInstance(rig.persistence.url)
    await using second = await startInstance(rig.persistence.url)
    await becomesSpread(rig, { [first.id]: 3, [second.id]: 3 })
    await first.stop()
    const { prisma } = rig.persistence.database
    expect(await prisma.printerRuntime.count({ where: { leaseOwner: first.id } })).toBe(0)
    expect(await prisma.fleetInstance.findMany({ select: { id: true } })).toEqual([{ id: second.id }])
    await becomesSpread(rig, { [second.id]: 6 })
    await expect.poll(() => states(rig), { timeout: 20_000 }).toEqual(Array.from({ length: 6 }, () => 'idle'))
  })
})
