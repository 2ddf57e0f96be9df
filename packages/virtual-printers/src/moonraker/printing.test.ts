import { afterEach, beforeEach, expect, test } from 'vitest'
import { gcodeFor, MoonrakerRig, type RigClient } from '../testing/moonraker-rig.js'

const OBJECTS = { objects: { print_stats: null, virtual_sdcard: null, pause_resume: null } }
let rig: MoonrakerRig
let client: RigClient
beforeEach(async () => {
  rig = await MoonrakerRig.create()
  client = await rig.connect()
  await rig.upload('a.gcode', gcodeFor(60))
})
afterEach(() => rig.dispose())

const status = async () => (await client.call('printer.objects.query', OBJECTS)).status
const start = (filename: string) => client.send('printer.print.start', { filename })

test('a print starts, progresses, completes and stays complete until the next one', async () => {
  expect((await start('a.gcode')).result).toBe('ok')
  rig.time.advance(30_000)
  const running = await status()
  expect(running.print_stats).toMatchObject({ state: 'printing', filename: 'a.gcode' })
  expect(running.virtual_sdcard.is_active).toBe(true)
  expect(running.virtual_sdcard.progress).toBeGreaterThan(0)
  rig.time.advance(90_000)
  const ended = await status()
  expect(ended.print_stats).toMatchObject({ state: 'complete', filename: 'a.gcode', filament_used: 60 })
  expect(ended.virtual_sdcard).toMatchObject({ is_active: false, progress: 1, file_path: null })
  await client.call('printer.gcode.script', { script: 'SDCARD_RESET_FILE' })
  expect((await status()).print_stats).toMatchObject({ state: 'standby', filename: '' })
})

test('a second start is "SD busy", and an unknown file cannot be opened', async () => {
  expect((await start('none.gcode')).error).toEqual({ code: 400, message: 'Unable to open file' })
  await start('/A.gcode')
  rig.time.advance(1_000)
  expect((await start('a.gcode')).error).toEqual({ code: 400, message: 'SD busy' })
  const byHttp = await rig.http('/printer/print/start?filename=a.gcode', { method: 'POST' })
  expect(byHttp).toMatchObject({ status: 400, json: { error: { code: 400, message: 'SD busy' } } })
  expect(rig.machine.counts).toMatchObject({ starts: 1, secondStarts: 0 })
})

test('pause, resume and cancel change the state, and are "ok" when there is nothing to do', async () => {
  for (const command of ['resume', 'cancel']) expect(await client.call(`printer.print.${command}`)).toBe('ok')
  expect(await client.next('notify_gcode_response')).toEqual(['// Print is not paused, resume aborted'])
  await start('a.gcode')
  rig.time.advance(20_000)
  expect(await rig.during(client.call('printer.print.pause'))).toBe('ok')
  expect(await status()).toMatchObject({
    print_stats: { state: 'paused' },
    virtual_sdcard: { is_active: false },
    pause_resume: { is_paused: true },
  })
  expect(await client.call('printer.print.resume')).toBe('ok')
  rig.time.advance(1_000)
  expect(await status()).toMatchObject({ print_stats: { state: 'printing' }, pause_resume: { is_paused: false } })
  expect(await rig.during(client.call('printer.print.cancel'))).toBe('ok')
  expect(await status()).toMatchObject({
    print_stats: { state: 'cancelled', filename: 'a.gcode' },
    virtual_sdcard: { progress: 0, file_position: 0 },
  })
})

test('a start replaces a paused print, as Klipper does', async () => {
  await rig.upload('b.gcode', gcodeFor(60))
  await start('a.gcode')
  rig.time.advance(20_000)
  await rig.during(client.call('printer.print.pause'))
  expect((await rig.during(start('b.gcode'))).result).toBe('ok')
  rig.time.advance(500)
  expect((await status()).print_stats).toMatchObject({ state: 'printing', filename: 'b.gcode' })
  const { jobs } = await client.call('server.history.list', {})
  expect(jobs).toMatchObject([
    { filename: 'b.gcode', status: 'in_progress' },
    { filename: 'a.gcode', status: 'cancelled' },
  ])
})

test('history tells of each job when it begins and when it ends', async () => {
  await start('a.gcode')
  rig.time.advance(250)
  const [added] = await client.next('notify_history_changed')
  expect(added).toMatchObject({
    action: 'added',
    job: { job_id: '000001', filename: 'a.gcode', status: 'in_progress' },
  })
  rig.time.advance(120_000)
  const [finished] = await client.next('notify_history_changed')
  expect(finished).toMatchObject({ action: 'finished', job: { job_id: '000001', status: 'completed', exists: true } })
  expect(finished?.job.filament_used).toBeCloseTo(60)
  await client.call('server.files.delete_file', { path: 'gcodes/a.gcode' })
  expect((await client.call('server.history.get_job', { uid: '000001' })).job).toMatchObject({ exists: false })
  expect((await client.send('server.history.get_job', { uid: '0000FF' })).error?.code).toBe(-32601)
  expect((await client.call('server.history.totals')).job_totals).toMatchObject({ total_jobs: 1 })
  expect((await rig.http('/server/history/list?limit=1')).json.result).toMatchObject({ count: 1 })
})

test('a job that begins and ends between two reports is in the history all the same', async () => {
  await rig.upload('tiny.gcode', 'M117 hello\n')
  rig.time.setSpeed(100)
  await start('tiny.gcode')
  rig.time.advance(250)
  expect((await client.call('server.history.list', {})).jobs).toMatchObject([
    { filename: 'tiny.gcode', status: 'completed' },
  ])
})

test('a print that fails shows its reason and leaves the host ready for the next one', async () => {
  await start('a.gcode')
  rig.time.advance(20_000)
  rig.machine.failPrint('Heater extruder not heating at expected rate')
  rig.time.advance(250)
  expect((await status()).print_stats).toMatchObject({
    state: 'error',
    message: 'Heater extruder not heating at expected rate',
    filename: 'a.gcode',
  })
  expect((await client.call('server.history.list', {})).jobs).toMatchObject([{ status: 'error' }])
  expect((await start('a.gcode')).result).toBe('ok')
  rig.time.advance(250)
  expect((await client.call('server.history.list', {})).jobs).toMatchObject([
    { job_id: '000002' },
    { job_id: '000001' },
  ])
})

test('a file that pauses itself is shown as paused and can be resumed', async () => {
  await rig.upload('change.gcode', 'G28\nPAUSE\nG1 X10 F600\n')
  await start('change.gcode')
  rig.time.advance(60_000)
  expect(await status()).toMatchObject({ print_stats: { state: 'paused' }, pause_resume: { is_paused: true } })
  expect(await client.call('printer.print.resume')).toBe('ok')
  rig.time.advance(30_000)
  expect((await status()).print_stats).toMatchObject({ state: 'complete' })
})

test('a person at the panel starts a print that the host shows', async () => {
  await rig.host.startAtPanel('usb.gcode', gcodeFor(10))
  rig.time.advance(250)
  expect((await status()).print_stats).toMatchObject({ state: 'printing', filename: 'usb.gcode' })
  expect(await client.next('notify_history_changed')).toMatchObject([{ job: { filename: 'usb.gcode' } }])
})

test('scripts heat, home and move; what Klipper does not know is only a console line', async () => {
  const script = (text: string) => rig.during(client.send('printer.gcode.script', { script: text }))
  expect((await script('G1 X10')).error).toEqual({ code: 400, message: 'Must home axis first' })
  expect((await script('G28\nSAVE_GCODE_STATE NAME=g\nG91\nG1 X10 F3000\nRESTORE_GCODE_STATE NAME=g')).result).toBe(
    'ok',
  )
  expect((await script('SET_HEATER_TEMPERATURE HEATER=extruder TARGET=210\nM140 S60')).result).toBe('ok')
  const heaters = { objects: { extruder: ['target'], heater_bed: ['target'], toolhead: ['homed_axes'] } }
  expect((await client.call('printer.objects.query', heaters)).status).toEqual({
    extruder: { target: 210 },
    heater_bed: { target: 60 },
    toolhead: { homed_axes: 'xyz' },
  })
  expect((await script('SET_HEATER_TEMPERATURE HEATER=oven TARGET=1')).error?.code).toBe(400)
  expect((await script('TURN_OFF_HEATERS')).result).toBe('ok')
  expect(rig.machine.heaters['tool0']?.targetCelsius).toBe(0)
  client.notifications.length = 0
  expect((await script('NO_SUCH_MACRO')).result).toBe('ok')
  expect(await client.next('notify_gcode_response')).toEqual(['// Unknown command:"NO_SUCH_MACRO"'])
})
