import { describe, expect, test } from 'vitest'
import type { HostKind } from '../host.js'
import { FaultyPrinter, LONG } from '../testing/faulty-printer.js'
import { startControlServer, type ControlServer } from './control-server.js'

const POLL = { timeout: 15_000, interval: 20 }

/** A printer that prints `a.gcode` for a server, and the control API in front of its fleet. */
async function printing(kind: HostKind) {
  const rig = await FaultyPrinter.create(kind, { speed: 10 })
  const control: ControlServer = await startControlServer(rig.fleet)
  const { name, machine } = rig.printer
  const act = async (action: string, body: object = {}) => {
    const url = `${control.url}/printers/${name}/${action}`
    const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) })
    return { status: response.status, body: await response.json() }
  }
  const get = async (path: string): Promise<unknown> =>
    (await fetch(rig.printer.url + path, { headers: { 'x-api-key': rig.printer.apiKey } })).json()
  await rig.upload('a.gcode')
  await rig.start('a.gcode')
  await expect.poll(() => machine.state, POLL).toBe('printing')
  // Until the server has seen its print by Klipper's next report.
  if (kind === 'moonraker') await expect.poll(async () => history(await get(HISTORY)).length, POLL).toBe(1)
  const stop = async () => {
    await control.stop()
    await rig.fleet.stop()
  }
  return { rig, machine, act, get, [Symbol.asyncDispose]: stop }
}

const HISTORY = '/server/history/list'
const history = (answer: unknown) =>
  (answer as { result: { jobs: { job_id: string; filename: string; status: string }[] } }).result.jobs

describe.each(['octoprint', 'moonraker'] as const)('on %s', (kind) => {
  test('a print that is finished for it is done, at its full length, with the heaters off', async () => {
    await using printer = await printing(kind)
    expect(await printer.act('finish-print')).toMatchObject({
      status: 200,
      body: { state: 'operational', bed: 'occupied' },
    })
    expect(printer.machine.lastJob).toMatchObject({ name: 'a.gcode', outcome: 'done', progress: 1 })
    expect(printer.machine.heaters['tool0']?.targetCelsius).toBe(0)
    expect(await printer.rig.state()).toBe(kind === 'octoprint' ? 'Operational' : 'complete')
    expect((await printer.act('finish-print')).status).toBe(409)
  })

  test('a filament runout pauses the print, which goes on when somebody resumes it', async () => {
    await using printer = await printing(kind)
    expect((await printer.act('runout')).status).toBe(200)
    expect(printer.machine.filamentLoaded).toBe(false)
    await expect.poll(() => printer.rig.state(), POLL).toBe(kind === 'octoprint' ? 'Paused' : 'paused')
    expect((await printer.act('runout')).status).toBe(409)
    const resume = kind === 'octoprint' ? '/api/job' : '/printer/print/resume'
    await fetch(printer.rig.printer.url + resume, {
      method: 'POST',
      headers: { 'x-api-key': printer.rig.printer.apiKey, 'content-type': 'application/json' },
      body: JSON.stringify({ command: 'pause', action: 'resume' }),
    })
    await expect.poll(() => printer.machine.state, POLL).toBe('printing')
    expect(printer.machine.filamentLoaded).toBe(true)
  })

  test('a thermal error ends the print, and the host says so in its own way', async () => {
    await using printer = await printing(kind)
    expect((await printer.act('thermal-error')).body).toMatchObject({ state: 'shutdown' })
    expect(printer.machine.lastJob?.outcome).toBe('failed')
    if (kind === 'octoprint') {
      const job = { state: 'Offline after error', error: expect.stringContaining('Thermal Runaway') as string }
      expect(await printer.get('/api/job')).toMatchObject(job)
    } else {
      const message = expect.stringContaining('not heating at expected rate') as string
      const info = { result: { state: 'shutdown', state_message: message } }
      expect(await printer.get('/printer/info')).toMatchObject(info)
    }
  })

  test('a thermal error has the words that were given for it', async () => {
    await using printer = await printing(kind)
    expect((await printer.act('thermal-error', { message: 'MAXTEMP triggered' })).body).toMatchObject({
      shutdownReason: 'MAXTEMP triggered',
    })
  })

  test('power that fails takes the print along; file and bed stay, and the host is back on its port', async () => {
    await using printer = await printing(kind)
    const { url } = printer.rig.printer
    expect(await printer.act('power-cycle')).toMatchObject({
      status: 200,
      body: { url, online: true, state: 'operational', bed: 'occupied', job: null, lastJob: { outcome: 'failed' } },
    })
    expect(await printer.rig.files()).toEqual(['a.gcode'])
    expect(await printer.rig.state()).toBe(kind === 'octoprint' ? 'Operational' : 'standby')
    if (kind === 'moonraker') {
      expect(history(await printer.get(HISTORY))).toMatchObject([{ filename: 'a.gcode', status: 'interrupted' }])
    }
  })

  test('power may come back with a print that nobody ordered, also when the host was away before', async () => {
    await using printer = await printing(kind)
    expect((await printer.act('offline')).body).toMatchObject({ online: false })
    const wrong = { printing: { name: 'wrong.gcode', content: LONG } }
    expect((await printer.act('power-cycle', wrong)).body).toMatchObject({
      online: true,
      job: { name: 'wrong.gcode', startedBy: 'panel' },
    })
    expect(printer.machine.starts.map(({ name, outcome }) => [name, outcome])).toEqual([
      ['a.gcode', 'failed'],
      ['wrong.gcode', null],
    ])
    expect(await printer.rig.state()).toMatch(/^(Starting|Printing|printing)$/)
  })

  test('the host is back even when there is nothing to print of that name', async () => {
    await using printer = await printing(kind)
    const answer = await printer.act('power-cycle', { printing: { name: 'none.gcode' } })
    expect(answer.status).toBe(kind === 'octoprint' ? 404 : 400)
    expect(printer.rig.printer.host.online).toBe(true)
    expect(printer.machine.busy).toBe(false)
  })

  test('a restart keeps what the host knows of earlier prints, unless it is to lose it', async () => {
    await using printer = await printing(kind)
    await printer.act('finish-print')
    const known = async (): Promise<unknown> => {
      if (kind === 'moonraker') return history(await printer.get(HISTORY)).map(({ status }) => status)
      const { prints } = (await printer.get('/api/files/local/a.gcode')) as { prints?: { success: number } }
      return prints?.success
    }
    const record = kind === 'moonraker' ? ['completed'] : 1
    await expect.poll(known, POLL).toEqual(record)
    expect((await printer.act('restart')).status).toBe(200)
    expect(await known()).toEqual(record)
    expect((await printer.act('restart', { history: 'lose' })).status).toBe(200)
    expect(await known()).toEqual(kind === 'moonraker' ? [] : undefined)
    expect(await printer.rig.files()).toEqual(['a.gcode'])
  })

  test.each([
    ['restart', { history: 'forget' }, 'history'],
    ['restart', { hard: true }, 'hard'],
    ['power-cycle', { printing: 'a.gcode' }, 'printing'],
    ['power-cycle', { printing: { content: 'G28\n' } }, 'name'],
    ['power-cycle', { printing: { name: 'a.gcode', file: 1 } }, 'file'],
    ['thermal-error', { message: 1 }, 'message'],
    ['thermal-error', { message: 'x'.repeat(1_001) }, 'message'],
    ['runout', { times: 2 }, 'times'],
  ])('%s refuses %j by the name of its field, and does nothing', async (action, body, field) => {
    await using printer = await printing(kind)
    expect(await printer.act(action, body)).toMatchObject({ status: 400, body: { field } })
    expect(printer.machine.state).toBe('printing')
  })
})

test('after its database is lost, Moonraker counts jobs and hours from the beginning again', async () => {
  await using printer = await printing('moonraker')
  await printer.act('restart', { history: 'lose' })
  const totals = () => printer.get('/server/history/totals')
  expect(await totals()).toMatchObject({ result: { job_totals: { total_jobs: 0, total_time: 0 } } })
  // The print went on without a row; the next one has the first id again.
  await printer.act('finish-print')
  await expect.poll(() => printer.rig.state(), POLL).toBe('complete')
  await printer.rig.start('a.gcode')
  await expect.poll(async () => history(await printer.get(HISTORY)), POLL).toMatchObject([{ job_id: '000001' }])
})
