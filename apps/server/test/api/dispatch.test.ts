import { createFleet, type Fleet } from '@gantry/virtual-printers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { newId } from '../../src/kernel/index.js'
import { startAppUnderTest, uploaded, type AppUnderTest } from '../../src/testing/app-under-test.js'
import { SLICED, zipOf } from '../../src/testing/three-mf-archives.js'
import { zigzagGcode } from '../../src/testing/tiny-gcode.js'

const LONG_PRINT = zigzagGcode(3_000)
const SOON = { timeout: 20_000, interval: 50 }

interface Shop {
  app: AppUnderTest
  fleet: Fleet
  /** In the order of their names. */
  printerIds: string[]
  fileId: string
}

/** A server with an OctoPrint and a Moonraker, PLA loaded; the beds are not cleared yet. */
const openShop = async (): Promise<Shop> => {
  const fleet = await createFleet({ octoprint: 1, moonraker: 1, speed: 60, requireApiKey: true })
  const app = await startAppUnderTest()
  const printerIds: string[] = []
  for (const { name, kind, url, apiKey } of fleet.printers) {
    const created = await app.admin.trpc.printers.create.mutate({
      ...{ name, kind, url, apiKey },
      ...{ nozzleDiameterMm: 0.4, materials: [{ material: 'PLA' }] },
      buildVolume: { xMm: 250, yMm: 210, zMm: 210 },
    })
    printerIds.push(created.id)
  }
  const { id: fileId } = await uploaded(app.admin, 'token.gcode', LONG_PRINT)
  return { app, fleet, printerIds, fileId }
}

let shop: Shop
beforeAll(async () => (shop = await openShop()), 60_000)
afterAll(async () => {
  await shop.app[Symbol.asyncDispose]()
  await shop.fleet.stop()
})

/** A print that has ended shows a moment longer, and its bed cannot be cleared under it. */
const clear = ({ app }: Shop, id: string) =>
  expect.poll(async () => (await app.admin.rest('POST', `/api/printers/${id}/clear-bed`, {})).status, SOON).toBe(200)

const attemptsOf = async ({ app }: Shop, id: string) => (await app.admin.trpc.printJobs.attempts.query({ id })).items

const runningAttempt = async (shop: Shop, jobId: string) => {
  await expect.poll(async () => (await attemptsOf(shop, jobId))[0]?.state, SOON).toBe('printing')
  return (await attemptsOf(shop, jobId))[0]!
}

describe('over the API', () => {
  it('a 3MF waits, and says per printer that its host prints g-code', async () => {
    const { app } = shop
    const { id: fileId } = await uploaded(app.admin, 'cube.gcode.3mf', await zipOf(SLICED))
    const job = await app.admin.trpc.printJobs.submit.mutate({ source: { fileId, copies: 1 } })
    expect(job.requirements.fileFormat).toBe('3mf')
    const { printers } = await app.admin.trpc.printJobs.explain.query({ id: job.id })
    const found = printers.map(({ reasons }) => reasons.find(({ code }) => code === 'FORMAT_MISMATCH'))
    const reason = {
      ...{ code: 'FORMAT_MISMATCH', params: { has: ['gcode'], needs: '3mf' } },
      text: 'The file is 3mf, and this printer takes gcode.',
    }
    expect(found).toEqual([reason, reason])
    await app.admin.trpc.printJobs.cancel.mutate({ id: job.id })
  })

  it('the preview says why nothing starts, and a printer what it waits for', async () => {
    const { app, printerIds, fileId } = shop
    const [printerId] = printerIds as [string]
    const job = await app.admin.trpc.printJobs.submit.mutate({ source: { fileId, copies: 3 } })
    const explained = async () => (await app.admin.rest('GET', `/api/printers/${printerId}/explain?limit=5`)).body
    await expect.poll(explained, SOON).toMatchObject({
      ...{
        printerId,
        attempt: null,
        holds: [],
        waitingFor: [{ code: 'BED_OCCUPIED', text: 'The bed is not cleared.' }],
      },
      queue: [{ jobId: job.id, jobName: 'token.gcode', reasons: [] }],
    })
    await expect
      .poll(async () => (await app.admin.rest('GET', '/api/dispatch/preview?limit=5')).body, SOON)
      .toMatchObject({
        ...{ starts: [], more: false },
        waiting: [{ jobId: job.id, copies: 3, reasons: [{ code: 'BED_OCCUPIED', printers: 2 }] }],
      })
    const viewer = await app.logInAs('viewer')
    expect((await viewer.rest('GET', '/api/dispatch/preview')).status).toBe(200)
    expect((await viewer.rest('GET', '/api/dispatch/preview?limit=201')).error?.code).toBe('VALIDATION_FAILED')

    await clear(shop, printerId)
    const attempt = await runningAttempt(shop, job.id)
    expect(await explained()).toMatchObject({
      ...{ state: 'printing', attempt: { id: attempt.id, jobId: job.id, copyNumber: 1, state: 'printing' } },
      waitingFor: [{ code: 'PRINTER_BUSY' }, { code: 'PRINTER_NOT_READY' }],
    })
    await app.admin.trpc.printJobs.cancel.mutate({ id: job.id })
    await expect.poll(async () => (await attemptsOf(shop, job.id))[0]?.state, SOON).toBe('cancelled')
    shop.fleet.clearBed(shop.fleet.printers[0]!.name)
  })

  it('a running copy is moved to another printer, once, and what cannot be moved is refused', async () => {
    const { app, fleet, printerIds, fileId } = shop
    const [fromId, toId] = printerIds as [string, string]
    const job = await app.admin.trpc.printJobs.submit.mutate({ source: { fileId, copies: 1 } })
    await clear(shop, fromId)
    const { id } = await runningAttempt(shop, job.id)
    const reassign = (body: object) => app.admin.rest('POST', `/api/attempts/${id}/reassign`, body)

    const refused = async (body: object) => {
      const { status, error } = await reassign(body)
      return [status, error?.code, Object.keys(error?.fields ?? {})]
    }
    expect(await refused({ printerId: fromId })).toEqual([400, 'VALIDATION_FAILED', ['printerId']])
    expect(await refused({ printerId: newId('printer') })).toEqual([404, 'NOT_FOUND', []])
    expect(await refused({ to: toId })).toEqual([400, 'VALIDATION_FAILED', ['to']])
    await app.admin.trpc.printers.setMaterials.mutate({ id: toId, materials: [{ material: 'PETG' }] })
    expect(await refused({ printerId: toId })).toEqual([409, 'INVALID_STATE', []])
    await app.admin.trpc.printers.setMaterials.mutate({ id: toId, materials: [{ material: 'PLA' }] })

    const edit = (body: object) => app.admin.rest('PATCH', `/api/print-jobs/${job.id}`, body)
    expect((await edit({ requirements: { printerGroupIds: [] } })).error?.code).toBe('INVALID_STATE')
    expect(await edit({ priority: 3 })).toMatchObject({ status: 200, body: { priority: 3, version: 2 } })

    const wished = await reassign({ printerId: toId })
    expect(wished).toMatchObject({ status: 200, body: { id, reassign: { toPrinterId: toId } } })
    expect((await reassign({ printerId: toId })).status).toBe(200)
    await expect.poll(async () => (await attemptsOf(shop, job.id))[0]?.state, SOON).toBe('cancelled')
    const { printers } = await app.admin.trpc.printJobs.explain.query({ id: job.id })
    const codesAt = (id: string) => printers.find(({ printerId }) => printerId === id)?.reasons.map(({ code }) => code)
    expect(codesAt(fromId)).toContain('COPY_GIVEN_ELSEWHERE')
    expect(codesAt(toId)).not.toContain('COPY_GIVEN_ELSEWHERE')
    await clear(shop, toId)
    const second = await runningAttempt(shop, job.id)
    expect(second.printerId).toBe(toId)
    expect(await refused({})).toEqual([409, 'INVALID_STATE', []])
    expect(fleet.counts().total).toMatchObject({ starts: 3, cancelled: 2, secondStarts: 0, startsOnOccupiedBed: 0 })
  })
})
