import { createFleet, type Fleet, type FleetPrinter } from '@gantry/virtual-printers'
import { expect, describe, it } from 'vitest'

import { startAppUnderTest, uploaded, type AppUnderTest } from '../../src/testing/app-under-test.js'
import { zigzagGcode } from '../../src/testing/tiny-gcode.js'

const KINDS = ['octoprint', 'moonraker'] as const
/** An hour and a half of the machine's time, in lines so short that every order is soon obeyed. */
const LONG_PRINT = zigzagGcode(3_000)
/** Machine seconds per second: heating takes a moment, and the print some minutes. */
const BRISK = 60
const FAST = 20_000
const SOON = { timeout: 20_000, interval: 50 }

interface Shop {
  app: AppUnderTest
  fleet: Fleet
  machine: FleetPrinter
  printerId: string
  fileId: string
}

/** A server with one virtual printer of this kind, registered over the API, PLA loaded and its bed cleared. */
const openShop = async (kind: (typeof KINDS)[number], material = 'PLA'): Promise<Shop & AsyncDisposable> => {
  const fleet = await createFleet({ [kind]: 1, speed: BRISK, requireApiKey: true })
  const app = await startAppUnderTest()
  const machine = fleet.printers[0]!
  const { rest } = app.admin
  const { url, apiKey } = machine
  const created = await rest('POST', '/api/printers', {
    ...{ name: 'P1', kind, url, apiKey, nozzleDiameterMm: 0.4, buildVolume: { xMm: 250, yMm: 210, zMm: 210 } },
  })
  expect(created).toMatchObject({ status: 200, body: { status: { bed: 'occupied' } } })
  const printerId = (created.body as { id: string }).id
  await rest('PUT', `/api/printers/${printerId}/materials`, { materials: [{ material: material.toLowerCase() }] })
  await rest('POST', `/api/printers/${printerId}/clear-bed`, {})
  const { id: fileId } = await uploaded(app.admin, 'token.gcode', LONG_PRINT)
  return {
    ...{ app, fleet, machine, printerId, fileId },
    [Symbol.asyncDispose]: async () => {
      await app[Symbol.asyncDispose]()
      await fleet.stop()
    },
  }
}

const statusOf = async ({ app, printerId }: Shop) => (await app.admin.trpc.printers.get.query({ id: printerId })).status
const jobOf = ({ app }: Shop, id: string) => app.admin.trpc.printJobs.get.query({ id })

const becomes = (shop: Shop, state: string) => expect.poll(async () => (await statusOf(shop)).state, SOON).toBe(state)
const jobBecomes = (shop: Shop, id: string, state: string) =>
  expect.poll(async () => (await jobOf(shop, id)).state, SOON).toBe(state)

const submit = async ({ app, fileId }: Shop, copies = 1) =>
  (await app.admin.trpc.printJobs.submit.mutate({ source: { fileId, copies } })).id

/** Orders a copy and waits until the machine is at it. */
const begin = async (shop: Shop) => {
  const id = await submit(shop)
  await becomes(shop, 'printing')
  await expect.poll(async () => (await statusOf(shop)).print?.jobId, SOON).toBe(id)
  return id
}

const order = ({ app, printerId }: Shop, command: string) =>
  app.admin.rest('POST', `/api/printers/${printerId}/${command}`, {})

describe.each(KINDS)('over the API, with a printer behind %s', (kind) => {
  it('a project is ordered, explained while it waits, printed copy by copy, and done', async () => {
    await using shop = await openShop(kind, 'PETG')
    const { app, fleet, machine, printerId, fileId } = shop
    const { trpc, rest } = app.admin
    const parts = [{ name: 'Token', fileId, targetQuantity: 2 }]
    const project = await trpc.projects.create.mutate({ name: 'Tokens', parts })
    const submitted = await rest('POST', '/api/print-jobs', { source: { partId: project.parts[0]?.id } })
    expect(submitted).toMatchObject({ status: 200, body: { copies: 2, state: 'queued', projectId: project.id } })
    const jobId = (submitted.body as { id: string }).id

    await expect
      .poll(async () => (await rest('GET', `/api/print-jobs/${jobId}/explain`)).body, SOON)
      .toMatchObject({
        state: 'queued',
        printers: [
          {
            printerName: 'P1',
            reasons: [
              {
                code: 'MATERIAL_MISMATCH',
                params: { has: ['PETG'], needs: ['PLA'] },
                text: 'Needs PLA, has PETG loaded.',
              },
            ],
          },
        ],
      })
    expect(machine.machine.counts.starts).toBe(0)

    await trpc.printers.setMaterials.mutate({ id: printerId, materials: [{ material: 'PLA' }] })
    await jobBecomes(shop, jobId, 'printing')
    await becomes(shop, 'printing')
    expect((await order(shop, 'clear-bed')).error).toMatchObject({ code: 'INVALID_STATE' })
    fleet.setSpeed(FAST)
    await becomes(shop, 'finished')
    expect((await jobOf(shop, jobId)).counts).toMatchObject({ done: 1, queued: 1 })
    expect((await statusOf(shop)).waitingFor.map(({ code }) => code)).toEqual(['BED_OCCUPIED'])

    fleet.clearBed(machine.name)
    const clear = (ifBedSince: Date) => rest('POST', `/api/printers/${printerId}/clear-bed`, { ifBedSince })
    const { bedSince } = await statusOf(shop)
    expect(await clear(new Date(bedSince.getTime() - 1))).toMatchObject({ status: 409 })
    expect((await clear(bedSince)).status).toBe(200)
    await jobBecomes(shop, jobId, 'done')
    expect(await trpc.projects.get.query({ id: project.id })).toMatchObject({
      status: 'done',
      parts: [{ completedQuantity: 2 }],
    })
    const { items } = await trpc.printJobs.attempts.query({ id: jobId })
    expect(items.map(({ state, copyNumber }) => [state, copyNumber])).toEqual([
      ['completed', 2],
      ['completed', 1],
    ])
    expect(fleet.counts().total).toMatchObject({
      starts: 2,
      done: 2,
      secondStarts: 0,
      startsOnOccupiedBed: 0,
      gcodeWhilePrinting: 0,
    })
  })

  it('a print is paused, resumed and cancelled', async () => {
    await using shop = await openShop(kind)
    const jobId = await begin(shop)
    expect((await order(shop, 'pause')).status).toBe(200)
    await becomes(shop, 'paused')
    expect(shop.machine.machine.state).toBe('paused')
    expect((await order(shop, 'resume')).status).toBe(200)
    await becomes(shop, 'printing')
    expect((await order(shop, 'cancel')).status).toBe(200)
    await expect.poll(() => shop.machine.machine.counts.cancelled, SOON).toBe(1)
    await expect.poll(async () => ['held', 'cancelled'].includes((await jobOf(shop, jobId)).state), SOON).toBe(true)
    expect((await statusOf(shop)).bed).toBe('occupied')
    expect((await order(shop, 'pause')).error).toMatchObject({ retryable: false })
  })

  it('a job is cancelled while it prints, and the printer stops', async () => {
    await using shop = await openShop(kind)
    const jobId = await begin(shop)
    expect(await shop.app.admin.rest('POST', `/api/print-jobs/${jobId}/cancel`, {})).toMatchObject({ status: 200 })
    await jobBecomes(shop, jobId, 'cancelled')
    expect(shop.machine.machine.counts).toMatchObject({ starts: 1, cancelled: 1 })
  })

  it('an emergency stop ends the print at once, and a person is called', async () => {
    await using shop = await openShop(kind)
    const jobId = await begin(shop)
    expect((await order(shop, 'emergency-stop')).status).toBe(200)
    await expect.poll(() => shop.machine.machine.busy, SOON).toBe(false)
    await jobBecomes(shop, jobId, 'held')
    expect((await jobOf(shop, jobId)).holds).not.toEqual([])
    const { items } = await shop.app.admin.trpc.alarms.list.query({})
    expect(items.length).toBeGreaterThan(0)
    expect((await statusOf(shop)).dispatchable).toBe(false)
  })

  it('a host that vanishes while it prints holds the job, says why, and raises an alarm', async () => {
    await using shop = await openShop(kind)
    const { app, machine, printerId } = shop
    const jobId = await begin(shop)
    await using alarms = await app.admin.stream('alarms.onChange')
    await alarms.until(({ length }) => length === 1)
    await machine.host.goOffline()
    await jobBecomes(shop, jobId, 'held')
    expect((await jobOf(shop, jobId)).holds).toMatchObject([{ code: 'PRINTER_LOST' }])
    const { body } = await app.admin.rest('GET', `/api/print-jobs/${jobId}/explain`)
    expect(body).toMatchObject({ holds: [{ code: 'PRINTER_LOST', text: expect.stringContaining('lost') as unknown }] })
    const status = await statusOf(shop)
    expect(status.state).toBe('offline')
    expect(status.waitingFor.map(({ code }) => code)).toContain('PRINTER_OFFLINE')
    const isLost = (data: unknown) => JSON.stringify(data).includes('PRINTER_LOST')
    await alarms.until((seen) => seen.some(({ data }) => data.type === 'changed' && isLost(data)))
    const { items } = await app.admin.trpc.alarms.list.query({})
    expect(items).toMatchObject([{ code: 'PRINTER_LOST', clearedAt: null }])
    expect((await order(shop, 'clear-bed')).error?.code).toBe('INVALID_STATE')
    expect((await app.admin.rest('DELETE', `/api/printers/${printerId}`)).error?.code).toBe('INVALID_STATE')
  })
})
