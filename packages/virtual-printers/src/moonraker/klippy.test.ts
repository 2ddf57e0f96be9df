import { once } from 'node:events'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { gcodeFor, MoonrakerRig, type RigClient } from '../testing/moonraker-rig.js'

const SUBSCRIPTION = {
  objects: { webhooks: null, print_stats: ['state', 'filename'], extruder: ['temperature', 'target'], nothing: null },
}
let rig: MoonrakerRig
let client: RigClient
beforeEach(async () => {
  rig = await MoonrakerRig.create({ klippyRestartMs: 1_000 })
  client = await rig.connect()
  await rig.upload('a.gcode', gcodeFor(60))
})
afterEach(() => rig.dispose())

/** Answers of one socket come in order, so after this nothing sent before is still under way. */
const settled = () => client.call('server.info')

test('a subscription answers with the full state and then sends only what changed', async () => {
  const { status } = await client.call('printer.objects.subscribe', SUBSCRIPTION)
  expect(status).toMatchObject({
    webhooks: { state: 'ready', state_message: 'Printer is ready' },
    print_stats: { state: 'standby', filename: '' },
    extruder: { target: 0 },
    nothing: {},
  })
  rig.time.advance(1_000)
  await settled()
  expect(client.notifications.filter(({ method }) => method === 'notify_status_update')).toEqual([])
  await client.call('printer.print.start', { filename: 'a.gcode' })
  rig.time.advance(250)
  const [delta, eventTime] = await client.next('notify_status_update')
  expect(delta).toEqual({ print_stats: { state: 'printing', filename: 'a.gcode' } })
  expect(eventTime).toBeTypeOf('number')
})

test('a second subscription replaces the first, and an empty one ends it', async () => {
  await client.call('printer.objects.subscribe', SUBSCRIPTION)
  await client.call('printer.objects.subscribe', { objects: { fan: null } })
  await client.call('printer.print.start', { filename: 'a.gcode' })
  rig.time.advance(1_000)
  await settled()
  expect(client.notifications.some(({ method }) => method === 'notify_status_update')).toBe(false)
  await client.call('printer.objects.subscribe', SUBSCRIPTION)
  await client.call('printer.objects.subscribe', { objects: {} })
  await rig.during(client.call('printer.print.cancel'))
  rig.time.advance(1_000)
  await settled()
  expect(client.notifications.some(({ method }) => method === 'notify_status_update')).toBe(false)
})

test('a restart drops Klippy, its subscriptions and the print, and comes back in standby', async () => {
  await client.call('printer.objects.subscribe', SUBSCRIPTION)
  await client.call('printer.print.start', { filename: 'a.gcode' })
  rig.time.advance(20_000)
  expect(await client.call('printer.firmware_restart')).toBe('ok')
  await client.next('notify_klippy_disconnected')
  expect(await client.call('server.info')).toMatchObject({ klippy_connected: false, klippy_state: 'disconnected' })
  expect((await client.send('printer.info')).error).toEqual({ code: 503, message: 'Klippy Host not connected' })
  expect((await rig.http('/printer/info')).status).toBe(503)
  expect((await rig.upload('b.gcode', 'G28', { print: 'true' })).json).toMatchObject({ print_started: false })
  rig.time.advance(500)
  expect(await client.call('server.info')).toMatchObject({ klippy_connected: true, klippy_state: 'startup' })
  client.notifications.length = 0
  rig.time.advance(500)
  await client.next('notify_klippy_ready')
  expect((await client.call('server.history.list', {})).jobs).toMatchObject([{ status: 'klippy_disconnect' }])
  await rig.during(client.call('printer.gcode.script', { script: 'M104 S200' }))
  rig.time.advance(2_000)
  await settled()
  expect(client.notifications.some(({ method }) => method === 'notify_status_update')).toBe(false)
  const { status } = await client.call('printer.objects.subscribe', SUBSCRIPTION)
  expect(status).toMatchObject({ print_stats: { state: 'standby', filename: '' }, extruder: { target: 200 } })
  expect((await client.call('server.history.list', {})).jobs).toHaveLength(1)
})

test('an emergency stop shows shutdown with print_stats paused, refuses g-code, and a restart heals it', async () => {
  await client.call('printer.print.start', { filename: 'a.gcode' })
  rig.time.advance(20_000)
  expect(await client.call('printer.emergency_stop')).toBe('ok')
  await client.next('notify_klippy_shutdown')
  const { status } = await client.call('printer.objects.query', { objects: { webhooks: null, print_stats: null } })
  expect(status).toMatchObject({ webhooks: { state: 'shutdown' }, print_stats: { state: 'paused' } })
  expect((await client.call('server.history.list', {})).jobs).toMatchObject([{ status: 'klippy_shutdown' }])
  const refused = await client.send('printer.print.start', { filename: 'a.gcode' })
  expect(refused.error).toMatchObject({ code: 400 })
  expect(refused.error?.message).toContain('Shutdown due to webhooks request')
  const byHttp = await rig.http('/printer/print/pause', { method: 'POST' })
  expect(byHttp).toMatchObject({ status: 400, json: { error: { message: 'Unknown' } } })
  expect((await client.send('printer.gcode.script', { script: 'FIRMWARE_RESTART' })).error).toEqual({
    code: 503,
    message: 'Klippy Disconnected',
  })
  rig.time.advance(1_000)
  await client.next('notify_klippy_ready')
  expect(rig.machine.state).toBe('operational')
})

test('a pause that waits for a heat-up is lost when Klippy goes away', async () => {
  await rig.upload('hot.gcode', 'M109 S250\nG28\n')
  await client.call('printer.print.start', { filename: 'hot.gcode' })
  rig.time.advance(1_000)
  const waiting = client.send('printer.print.pause')
  await client.call('printer.emergency_stop')
  await client.call('printer.restart')
  expect((await waiting).error).toBeDefined()
})

test('the host sends a sign of life every second and goes off and on at one address', async () => {
  rig.time.advance(1_000)
  expect(await client.next('notify_proc_stat_update')).toMatchObject([{ websocket_connections: 1 }])
  const { url } = rig.host
  await client.call('printer.print.start', { filename: 'a.gcode' })
  const closed = once(client.socket, 'close')
  await rig.host.goOffline()
  await closed
  await expect(fetch(`${url}/server/info`)).rejects.toThrow()
  rig.time.advance(120_000)
  await rig.host.goOnline()
  expect(rig.host.url).toBe(url)
  expect((await rig.http('/server/history/list')).json.result.jobs).toMatchObject([{ status: 'completed' }])
})

test('a restart of the server loses its row of the print, but not the print', async () => {
  await client.call('printer.print.start', { filename: 'a.gcode' })
  rig.time.advance(5_000)
  await rig.host.restart()
  client = await rig.connect()
  expect((await client.call('server.history.list', {})).jobs).toMatchObject([{ status: 'server_exit' }])
  const refused = await client.send('server.files.delete_file', { path: 'gcodes/a.gcode' })
  expect(refused.error?.code).toBe(403)
  rig.time.advance(120_000)
  expect(rig.machine.counts).toMatchObject({ done: 1 })
})

test('every call passes the gate: it can answer in the place of the host, or not at all', async () => {
  const seen: string[] = []
  rig.host.gate = (call, next) => {
    seen.push(`${call.channel} ${call.method} ${call.path}`)
    if (call.method === 'printer.print.start') return next(call).then(() => null)
    if (call.path === '/server/info') return Promise.resolve({ status: 502, body: '<html>' })
    return next(call)
  }
  expect((await fetch(`${rig.host.url}/server/info`)).status).toBe(502)
  const cut = once(client.socket, 'close')
  client.socket.send('{"jsonrpc":"2.0","id":1,"method":"printer.print.start","params":{"filename":"a.gcode"}}')
  await cut
  expect(rig.machine.busy).toBe(true)
  await rig.connect()
  expect(seen).toEqual(['http GET /server/info', 'socket printer.print.start ', 'http GET /websocket'])
})
