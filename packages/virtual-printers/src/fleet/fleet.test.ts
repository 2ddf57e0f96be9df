import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { startControlServer } from './control-server.js'
import { createFleet, type FleetPrinter } from './fleet.js'

const SHORT = 'G28\nM83\nG1 X10 E1 F600\n'

async function json(url: string, init?: RequestInit): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url, init)
  return { status: response.status, body: await response.json() }
}

function post(url: string, body: unknown = {}) {
  return json(url, { method: 'POST', body: JSON.stringify(body) })
}

/** Uploads with "print after upload", as a slicer does. */
async function print({ kind, url, apiKey }: FleetPrinter, name: string): Promise<void> {
  const form = new FormData()
  form.set('print', 'true')
  form.set('file', new Blob([SHORT]), name)
  const path = kind === 'octoprint' ? '/api/files/local' : '/server/files/upload'
  const response = await fetch(url + path, { method: 'POST', body: form, headers: { 'x-api-key': apiKey } })
  expect(response.status).toBe(201)
}

test('a fleet of both kinds prints over its real sockets and counts what happened', async () => {
  await using fleet = await createFleet({ octoprint: 2, moonraker: 2, speed: 1000 })
  expect(fleet.printers.map(({ name }) => name)).toEqual(['octoprint-1', 'octoprint-2', 'moonraker-1', 'moonraker-2'])
  expect(new Set(fleet.printers.map(({ url }) => url)).size).toBe(4)
  await Promise.all(fleet.printers.map((printer) => print(printer, `${printer.name}.gcode`)))
  await expect.poll(() => fleet.counts().total.done, { timeout: 10_000 }).toBe(4)
  expect(fleet.counts()).toMatchObject({
    total: { starts: 4, startsOnOccupiedBed: 0, secondStarts: 0, gcodeWhilePrinting: 0, filamentUsedMm: 4 },
    namesStartedTwice: [],
    printers: { 'octoprint-1': { startsByName: { 'octoprint-1.gcode': 1 } } },
  })
  fleet.clearBed('octoprint-1')
  expect(fleet.printers.map(({ machine }) => machine.bed)).toEqual(['clear', 'occupied', 'occupied', 'occupied'])
  await expect.poll(() => fleet.printers.every(({ machine }) => machine.state === 'operational')).toBe(true)
  await print(fleet.printer('octoprint-2'), 'octoprint-1.gcode')
  expect(fleet.counts()).toMatchObject({
    total: { startsOnOccupiedBed: 1, secondStarts: 0 },
    namesStartedTwice: ['octoprint-1.gcode'],
  })
})

test('the control API shows the printers and does what a person would', async () => {
  await using fleet = await createFleet({ octoprint: 1, speed: 1000 })
  await using control = await startControlServer(fleet)
  const printer = `${control.url}/printers/octoprint-1`
  expect((await json(`${control.url}/printers`)).body).toMatchObject([
    {
      name: 'octoprint-1',
      kind: 'octoprint',
      url: fleet.printers[0]!.url,
      state: 'operational',
      bed: 'clear',
      job: null,
    },
  ])
  const started = await post(`${printer}/start-at-panel`, { name: 'foreign.gcode', content: 'G4 S100\n' })
  expect(started).toMatchObject({
    status: 200,
    body: { job: { name: 'foreign.gcode', startedBy: 'panel' }, bed: 'occupied' },
  })
  expect((await post(`${printer}/start-at-panel`, { name: 'foreign.gcode' })).status).toBe(409)
  await post(`${printer}/cancel-at-panel`)
  await expect.poll(async () => ((await json(printer)).body as { state: string }).state).toBe('operational')
  expect((await post(`${printer}/clear-bed`)).body).toMatchObject({ bed: 'clear' })
  expect((await json(`${printer}/starts`)).body).toMatchObject([{ name: 'foreign.gcode', outcome: 'cancelled' }])
  expect((await post(`${control.url}/speed`, { speed: 5 })).body).toEqual({ speed: 5 })
  expect(fleet.speed).toBe(5)
  expect((await json(`${control.url}/counts`)).body).toMatchObject({ total: { cancelled: 1, startsOnOccupiedBed: 0 } })
  expect((await post(`${printer}/offline`)).body).toMatchObject({ online: false })
  await expect(fetch(fleet.printers[0]!.url)).rejects.toThrow()
  expect((await post(`${printer}/online`)).body).toMatchObject({ online: true })
})

test.each([
  ['/printers/none/clear-bed', {}, 404],
  ['/printers/octoprint-1/dance', {}, 404],
  ['/nothing', {}, 404],
  ['/speed', { speed: 'fast' }, 400],
  ['/speed', { speed: -1 }, 400],
  ['/printers/octoprint-1/start-at-panel', { name: 7 }, 400],
  ['/printers/octoprint-1/clear-bed', { bed: 1 }, 400],
  ['/printers/octoprint-1/start-at-panel', { name: 'a.gcode', content: 'G28\n', speed: 1 }, 400],
])('the control API refuses %s with %j', async (path, body, status) => {
  await using fleet = await createFleet({ octoprint: 1 })
  await using control = await startControlServer(fleet)
  const answer = await post(control.url + path, body)
  expect(answer).toMatchObject({ status, body: { error: expect.any(String) as string } })
})

test('faults are armed, shown with what they did, and disarmed, for one printer or for all', async () => {
  await using fleet = await createFleet({ octoprint: 1, moonraker: 1 })
  await using control = await startControlServer(fleet)
  const one = `${control.url}/printers/octoprint-1/faults`
  expect(await post(one, { fault: 'refuse', calls: 'read', times: 2 })).toEqual({
    status: 200,
    body: { id: 'f1', fault: 'refuse', calls: 'read', times: 2, probability: 1, struck: 0, left: 2 },
  })
  const { url, apiKey } = fleet.printer('octoprint-1')
  expect((await fetch(`${url}/api/version`, { headers: { 'x-api-key': apiKey } })).status).toBe(500)
  expect((await json(one)).body).toMatchObject([{ id: 'f1', struck: 1, left: 1 }])
  expect((await post(`${control.url}/faults`, { fault: 'lying_start' })).body).toMatchObject([
    { printer: 'octoprint-1', id: 'f2', fault: 'lying_start' },
    { printer: 'moonraker-1', id: 'f1', fault: 'lying_start' },
  ])
  expect((await json(one, { method: 'DELETE' })).body).toEqual({ disarmed: 2 })
  expect((await json(`${control.url}/faults`)).body).toMatchObject([{ printer: 'moonraker-1' }])
  expect((await json(`${control.url}/faults`, { method: 'DELETE' })).body).toEqual({ disarmed: 1 })
  expect((await json(`${control.url}/faults`)).body).toEqual([])
})

test.each([
  [{ fault: 'fire' }, 'fault'],
  [{ fault: 'slow', calls: 'read' }, 'delayMs'],
  [{ fault: 'late_start', delayMs: 3_600_000 }, 'delayMs'],
  [{ fault: 'lying_start', often: true }, 'often'],
])('the fault %j is refused by the name of its field', async (order, field) => {
  await using fleet = await createFleet({ octoprint: 1 })
  await using control = await startControlServer(fleet)
  for (const path of ['/printers/octoprint-1/faults', '/faults']) {
    expect(await post(control.url + path, order)).toMatchObject({
      status: 400,
      body: { field, error: expect.stringContaining(field) as string },
    })
  }
  expect(fleet.printers[0]!.faults.list()).toEqual([])
})

test('a round clears the beds of printers that do not print, and the book of the fleet tells every start in order', async () => {
  await using fleet = await createFleet({ octoprint: 2, moonraker: 1, materials: ['PLA', 'PETG'], nozzlesMm: [0.4] })
  await using control = await startControlServer(fleet)
  const at = (name: string) => `${control.url}/printers/${name}`
  expect(fleet.printers.map(({ machine: { material, nozzleMm } }) => [material, nozzleMm])).toEqual([
    ['PLA', 0.4],
    ['PETG', 0.4],
    ['PLA', 0.4],
  ])
  for (const name of ['moonraker-1', 'octoprint-1', 'octoprint-2']) {
    const content = '; filament_type = PLA\nG4 S1000\n'
    expect((await post(`${at(name)}/start-at-panel`, { name: `${name}.gcode`, content })).status).toBe(200)
    await sleep(5)
  }
  expect((await post(`${at('octoprint-2')}/finish-print`)).body).toMatchObject({
    state: 'operational',
    bed: 'occupied',
    lastJob: { name: 'octoprint-2.gcode', outcome: 'done', progress: 1 },
  })
  expect((await post(`${at('octoprint-2')}/finish-print`)).status).toBe(409)
  expect((await post(`${control.url}/clear-beds`)).body).toEqual({ cleared: ['octoprint-2'] })
  expect(fleet.printers.map(({ machine }) => machine.bed)).toEqual(['occupied', 'clear', 'occupied'])
  const started = { startedBy: 'panel', bedWasOccupied: false, startedAtMs: expect.any(Number) as number }
  expect((await json(`${control.url}/starts`)).body).toMatchObject([
    { ...started, printer: 'moonraker-1', name: 'moonraker-1.gcode', outcome: null, endedAtMs: null, mismatch: null },
    { ...started, printer: 'octoprint-1', outcome: null },
    {
      ...started,
      printer: 'octoprint-2',
      outcome: 'done',
      endedAtMs: expect.any(Number) as number,
      mismatch: { material: { has: 'PETG', needs: 'PLA' }, nozzleMm: null },
    },
  ])
  expect((await json(`${control.url}/counts`)).body).toMatchObject({
    total: { starts: 3, mismatchedStarts: 0 },
    startsByName: { 'moonraker-1.gcode': 1, 'octoprint-1.gcode': 1, 'octoprint-2.gcode': 1 },
  })
})

test('the same seed gives the same keys, and a stopped fleet leaves neither sockets nor files', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'fleet-test-'))
  const one = await createFleet({ octoprint: 1, moonraker: 1, seed: 'a', dataDir })
  const two = await createFleet({ octoprint: 1, moonraker: 1, seed: 'a' })
  expect(two.printers.map(({ apiKey }) => apiKey)).toEqual(one.printers.map(({ apiKey }) => apiKey))
  await print(one.printers[0]!, 'a.gcode')
  await print(one.printers[1]!, 'a.gcode')
  expect(existsSync(join(dataDir, 'octoprint-1'))).toBe(true)
  await Promise.all([one.stop(), one.stop(), two.stop()])
  expect(readdirSync(dataDir)).toEqual([])
  rmSync(dataDir, { recursive: true })
  await expect(fetch(one.printers[0]!.url)).rejects.toThrow()
})

test('a Moonraker asks for its key when told to', async () => {
  await using fleet = await createFleet({ moonraker: 1, requireApiKey: true })
  const { url, apiKey } = fleet.printers[0]!
  expect((await fetch(`${url}/server/info`)).status).toBe(401)
  expect((await fetch(`${url}/server/info`, { headers: { 'x-api-key': apiKey } })).status).toBe(200)
})

test.each([{ octoprint: -1 }, { moonraker: 1.5 }, { octoprint: 1, speed: 0 }])('%j makes no fleet', async (options) => {
  await expect(createFleet(options)).rejects.toBeInstanceOf(RangeError)
})
