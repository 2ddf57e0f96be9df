import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { octoPrintRig, pushSocket } from '../testing/octoprint-rig.js'
import { PERMISSIONS } from './access.js'

type Rig = Awaited<ReturnType<typeof octoPrintRig>>
const rigs: Rig[] = []
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig.stop()
})
async function rigWith(options: Parameters<typeof octoPrintRig>[0] = {}): Promise<Rig> {
  const rig = await octoPrintRig(options)
  rigs.push(rig)
  return rig
}

const SHORT = 'G28\nM83\n;LAYER_CHANGE\nG1 X10 E1 F600\n'
/** 1000 s: 10 s at the speed of 100. */
const LONG = `M104 S200\n;LAYER_CHANGE\n${'G4 S1\n'.repeat(1000)}`

test('it tells who it is, and a key that is missing or wrong is refused as OctoPrint does', async () => {
  const { request } = await rigWith()
  expect(await request('GET', '/api/version')).toMatchObject({
    status: 200,
    body: { api: '0.1', server: '1.11.8', text: 'OctoPrint 1.11.8' },
  })
  expect((await request('GET', '/api/version', undefined, null)).status).toBe(403)
  expect((await request('GET', '/api/version', undefined, 'wrong')).status).toBe(403)
  expect(await request('POST', '/api/job', { command: 'start' }, null)).toMatchObject({
    status: 400,
    body: { error: 'CSRF validation failed' },
  })
  expect(await request('GET', '/api/currentuser')).toMatchObject({
    body: { name: 'admin', permissions: [...PERMISSIONS] },
  })
  expect(await request('GET', '/api/nothing')).toMatchObject({ status: 404 })
  expect(await request('GET', '/api/%zz')).toMatchObject({ status: 400 })
})

test('a key with fewer permissions is refused where they are needed', async () => {
  const { request, upload } = await rigWith({ permissions: ['STATUS', 'FILES_UPLOAD', 'FILES_LIST'] })
  expect((await upload('a.gcode', SHORT)).status).toBe(201)
  expect((await request('DELETE', '/api/files/local/a.gcode')).status).toBe(403)
  expect((await upload('a.gcode', SHORT)).status).toBe(403)
  expect((await request('POST', '/api/job', { command: 'cancel' })).status).toBe(403)
})

test('an idle printer answers with state, temperatures, job, profiles and settings', async () => {
  const { request } = await rigWith()
  expect(await request('GET', '/api/printer')).toMatchObject({
    body: {
      state: { text: 'Operational', flags: { operational: true, ready: true, printing: false, closedOrError: false } },
      temperature: { tool0: { actual: 22, target: 0, offset: 0 }, bed: { actual: 22, target: 0 } },
    },
  })
  expect(await request('GET', '/api/job')).toMatchObject({
    body: { job: { file: { path: null } }, progress: { completion: null }, state: 'Operational' },
  })
  expect((await request('GET', '/api/printerprofiles')).body).toMatchObject({
    profiles: { _default: { heatedBed: true, extruder: { count: 1 } } },
  })
  expect((await request('GET', '/api/settings')).body).toMatchObject({ webcam: { streamUrl: '' } })
  expect((await request('GET', '/api/server')).body).toMatchObject({ version: '1.11.8' })
})

test('an upload is stored under a clean name, listed and downloadable; it is not printed unless asked', async () => {
  const { request, upload, host } = await rigWith()
  const answer = await upload('my part.gcode', SHORT, { path: 'sub' })
  expect(answer).toMatchObject({
    status: 201,
    body: {
      done: true,
      effectivePrint: false,
      effectiveSelect: false,
      files: { local: { path: 'sub/my_part.gcode' } },
    },
  })
  expect(answer.headers.get('location')).toBe(`${host.url}/api/files/local/sub/my_part.gcode`)
  expect((await request('GET', '/api/files/local/sub/my_part.gcode')).body).toMatchObject({
    name: 'my_part.gcode',
    type: 'machinecode',
    size: SHORT.length,
    hash: expect.stringMatching(/^[0-9a-f]{40}$/) as string,
  })
  expect((await request('GET', '/api/files?recursive=true')).body).toMatchObject({
    files: [{ type: 'folder', path: 'sub', children: [{ path: 'sub/my_part.gcode' }] }],
  })
  expect((await request('GET', '/downloads/files/local/sub/my_part.gcode')).body).toEqual({ text: SHORT })
})

test('uploads of the wrong kind are refused and leave nothing behind', async () => {
  const { request, upload, dataDir } = await rigWith()
  expect(await upload('model.stl', SHORT)).toMatchObject({
    status: 415,
    body: { error: 'Could not upload file, invalid type' },
  })
  expect((await upload('a.gcode', SHORT, { userdata: '{' })).status).toBe(400)
  expect((await upload('a.gcode', SHORT, { path: '../..' })).status).toBe(400)
  expect((await request('POST', '/api/files/local', { not: 'multipart' })).status).toBe(400)
  expect((await request('POST', '/api/files/local', new FormData())).status).toBe(400)
  expect(readdirSync(dataDir)).toEqual([])
  await upload('a.gcode', SHORT)
  expect((await upload('a.gcode', SHORT, { noOverwrite: 'true' })).status).toBe(409)
  expect((await upload('a.gcode', SHORT + SHORT)).status).toBe(201)
  expect(readdirSync(dataDir)).toHaveLength(1)
})

test('an upload without a length gets 411, a cut one leaves nothing', async () => {
  const { host, dataDir } = await rigWith()
  const { port, hostname } = new URL(host.url)
  const head = (extra: string) =>
    `POST /api/files/local HTTP/1.1\r\nhost: x\r\nx-api-key: ${host.apiKey}\r\ncontent-type: multipart/form-data; boundary=B\r\n${extra}\r\n\r\n`
  const chunked = connect(Number(port), hostname)
  chunked.write(head('transfer-encoding: chunked'))
  const [answer] = (await once(chunked, 'data')) as [Buffer]
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 411/)
  chunked.destroy()
  const cut = connect(Number(port), hostname)
  cut.write(head('content-length: 100000'))
  cut.write('--B\r\ncontent-disposition: form-data; name="file"; filename="a.gcode"\r\n\r\nG28\n')
  await expect.poll(() => existsSync(dataDir) && readdirSync(dataDir).length).toBe(1)
  cut.destroy()
  await expect.poll(() => readdirSync(dataDir).length).toBe(0)
})

test('a print runs from select to done: events in the observed order, and a record with the file', async () => {
  const { request, upload, host, machine } = await rigWith()
  await upload('a.gcode', SHORT)
  const push = await pushSocket(host.url)
  await push.waitFor((frame) => 'connected' in frame)
  const login = (await request('POST', '/api/login', { passive: true })).body as { name: string; session: string }
  push.send({ subscribe: { state: { logs: false, messages: false }, events: true, plugins: false } })
  push.send({ auth: `${login.name}:${login.session}` })
  await push.waitForEvent('ClientAuthed')
  expect(push.frames.slice(0, 3).map((frame) => Object.keys(frame)[0])).toEqual(['connected', 'history', 'timelapse'])

  expect((await request('POST', '/api/files/local/a.gcode', { command: 'select', print: true })).status).toBe(204)
  await push.waitForEvent('PrintDone')
  await push.waitFor(
    (frame) => (frame['current'] as { progress?: { completion?: number } } | undefined)?.progress?.completion === 100,
  )
  const order = push.events().map(({ type, payload }) => (type === 'PrinterStateChanged' ? payload['state_id'] : type))
  expect(order).toEqual([
    'ClientAuthed',
    'FileSelected',
    'STARTING',
    'PrintStarted',
    'PRINTING',
    'ZChange',
    'FINISHING',
    'PrintDone',
    'OPERATIONAL',
  ])
  expect((await request('GET', '/api/job')).body).toMatchObject({
    job: { file: { path: 'a.gcode' }, user: 'admin' },
    progress: { completion: 100 },
    state: 'Operational',
  })
  expect((await request('GET', '/api/files/local/a.gcode')).body).toMatchObject({
    prints: { success: 1, failure: 0, last: { success: true } },
  })
  expect(machine.bed).toBe('occupied')
  push.socket.close()
})

test('print=true starts an idle printer; on a busy one the upload succeeds and says that nothing started', async () => {
  const { request, upload, machine } = await rigWith()
  expect((await upload('a.gcode', LONG, { print: 'true' })).body).toMatchObject({
    effectivePrint: true,
    effectiveSelect: false,
  })
  expect((await upload('b.gcode', LONG, { print: 'true' })).body).toMatchObject({ effectivePrint: false })
  expect((await upload('a.gcode', LONG)).status).toBe(409)
  expect((await request('POST', '/api/files/local/b.gcode', { command: 'select', print: true })).status).toBe(409)
  expect((await request('POST', '/api/files/local/none.gcode', { command: 'select' })).status).toBe(404)
  expect((await request('POST', '/api/job', { command: 'start' })).status).toBe(409)
  expect((await request('DELETE', '/api/files/local/a.gcode')).status).toBe(409)
  expect((await request('DELETE', '/api/files/local/b.gcode')).status).toBe(204)
  expect(machine.counts.starts).toBe(1)
})

test('pause, resume and cancel act by state; a cancel tells both PrintCancelled and PrintFailed', async () => {
  const { request, upload, host, machine } = await rigWith()
  const push = await pushSocket(host.url)
  const login = (await request('POST', '/api/login', { passive: true })).body as { name: string; session: string }
  push.send({ auth: `${login.name}:${login.session}` })
  await push.waitFor((frame) => 'history' in frame)
  expect((await request('POST', '/api/job', { command: 'pause', action: 'pause' })).status).toBe(409)
  await upload('a.gcode', LONG, { print: 'true' })
  await push.waitFor((frame) => stateOf(frame) === 'Printing')
  expect((await request('POST', '/api/job', { command: 'pause', action: 'nonsense' })).status).toBe(400)
  expect((await request('POST', '/api/job', { command: 'pause', action: 'pause' })).status).toBe(204)
  await push.waitForEvent('PrintPaused')
  await push.waitFor((frame) => stateOf(frame) === 'Paused')
  expect((await request('GET', '/api/printer')).body).toMatchObject({
    state: { flags: { paused: true, printing: false } },
  })
  await request('POST', '/api/job', { command: 'pause', action: 'resume' })
  await push.waitForEvent('PrintResumed')
  expect((await request('GET', '/api/printer')).body).toMatchObject({
    state: { flags: { paused: false, printing: true } },
  })
  expect((await request('POST', '/api/job', { command: 'cancel' })).status).toBe(204)
  await push.waitForEvent('PrintFailed')
  const ends = push.events().filter(({ type }) => type.startsWith('PrintCancel') || type === 'PrintFailed')
  expect(ends.map(({ type, payload }) => [type, payload['reason']])).toEqual([
    ['PrintCancelling', undefined],
    ['PrintCancelled', undefined],
    ['PrintFailed', 'cancelled'],
  ])
  expect((await request('GET', '/api/job')).body).toMatchObject({
    progress: { completion: null },
    job: { file: { path: 'a.gcode' } },
  })
  expect(machine.heaters['tool0']!.targetCelsius).toBe(0)
  push.socket.close()
})

test('a finished file may be deleted, and its print record is forgotten with it', async () => {
  const { request, upload, machine } = await rigWith({ speed: 1000 })
  await upload('a.gcode', SHORT, { print: 'true' })
  await expect.poll(() => machine.counts.done).toBe(1)
  await expect.poll(() => machine.state).toBe('operational')
  expect((await request('DELETE', '/api/files/local/a.gcode')).status).toBe(204)
  expect((await request('GET', '/api/files/local/a.gcode')).status).toBe(404)
  expect((await request('GET', '/api/job')).body).toMatchObject({ job: { file: { path: null } } })
  await upload('a.gcode', SHORT)
  expect((await request('GET', '/api/files/local/a.gcode')).body).not.toHaveProperty('prints')
})

test('M112 drops the printer: 409, "Offline after error", until it is connected again', async () => {
  const { request, upload, machine } = await rigWith()
  await upload('a.gcode', LONG, { print: 'true' })
  expect((await request('POST', '/api/printer/command', { command: 'M112' })).status).toBe(204)
  expect((await request('GET', '/api/printer')).status).toBe(409)
  const job = (await request('GET', '/api/job')).body as { state: string; error: string }
  expect(job.state).toBe('Offline after error')
  expect(job.error).not.toBe('')
  expect((await request('POST', '/api/job', { command: 'start' })).status).toBe(409)
  expect(machine.counts).toMatchObject({ failed: 1, gcodeWhilePrinting: 0 })
  expect((await upload('b.gcode', SHORT, { print: 'true' })).body).toMatchObject({ effectivePrint: false })
  expect((await request('POST', '/api/connection', { command: 'connect' })).status).toBe(204)
  expect((await request('GET', '/api/printer')).body).toMatchObject({ state: { text: 'Operational' } })
})

test('targets, g-code, homing and jogging reach the machine, and nonsense is refused', async () => {
  const { request, machine, upload } = await rigWith()
  const post = async (path: string, body: object) => (await request('POST', `/api/printer/${path}`, body)).status
  expect(await post('tool', { command: 'target', targets: { tool0: 210 } })).toBe(204)
  expect(await post('bed', { command: 'target', target: 60 })).toBe(204)
  await expect.poll(() => machine.heaters['bed']!.targetCelsius).toBe(60)
  expect(machine.heaters['tool0']!.targetCelsius).toBe(210)
  expect(await post('tool', { command: 'target', targets: { tool7: 210 } })).toBe(400)
  expect(await post('bed', { command: 'target', target: 'hot' })).toBe(400)
  expect(await post('chamber', { command: 'target', target: 40 })).toBe(409)
  expect(await post('printhead', { command: 'home', axes: ['x', 'y', 'z'] })).toBe(204)
  expect(await post('printhead', { command: 'jog', x: 10 })).toBe(204)
  await expect.poll(() => machine.position.x).toBe(10)
  expect(machine.homedAxes).toBe('xyz')
  expect(await post('command', { nothing: true })).toBe(400)
  await upload('a.gcode', LONG, { print: 'true' })
  expect(await post('printhead', { command: 'home', axes: ['x'] })).toBe(409)
  expect(await post('command', { commands: ['M106'] })).toBe(204)
  expect(machine.counts.gcodeWhilePrinting).toBe(1)
})

test('a stale session is told to log in again; a foreign origin gets no socket', async () => {
  const { host } = await rigWith()
  const push = await pushSocket(host.url)
  push.send({ auth: 'admin:deadbeef' })
  expect(await push.waitFor((frame) => 'reauthRequired' in frame)).toEqual({ reauthRequired: { reason: 'stale' } })
  push.socket.close()
  const foreign = new WebSocket(`${host.url.replace('http', 'ws')}/sockjs/websocket`, { origin: 'http://elsewhere' })
  const [error] = (await once(foreign, 'error')) as [Error]
  expect(error.message).toContain('403')
})

test('a host that vanishes prints on and comes back on the same port; a restarted one has lost the print', async () => {
  const { host, request, upload, machine } = await rigWith()
  await upload('a.gcode', LONG, { print: 'true' })
  const push = await pushSocket(host.url)
  const closed = once(push.socket, 'close')
  const { url } = host
  await host.goOffline()
  await closed
  await expect(request('GET', '/api/version')).rejects.toThrow()
  expect(machine.busy).toBe(true)
  await host.goOnline()
  expect(host.url).toBe(url)
  expect((await request('GET', '/api/job')).body).toMatchObject({ job: { file: { path: 'a.gcode' } } })
  await host.restart()
  expect((await request('GET', '/api/job')).body).toMatchObject({ job: { file: { path: null } }, state: 'Operational' })
  expect((await request('GET', '/api/files/local/a.gcode')).body).not.toHaveProperty('prints')
  expect(machine.counts).toMatchObject({ failed: 1 })
})

test('a print started at the panel is a job like any other', async () => {
  const { host, request, machine } = await rigWith()
  await host.startAtPanel('foreign.gcode', LONG)
  expect((await request('GET', '/api/job')).body).toMatchObject({ job: { file: { path: 'foreign.gcode' } } })
  machine.cancelAtPanel()
  await expect.poll(() => machine.counts.cancelled).toBe(1)
  await expect(host.startAtPanel('none.gcode')).rejects.toThrow('not on this host')
})

test('every request passes the gate: it can refuse, lose the answer, or let pass', async () => {
  const { host, request } = await rigWith()
  host.gate = (call, next) => (call.path === '/api/job' ? Promise.resolve({ status: 503, body: 'busy' }) : next(call))
  expect((await request('GET', '/api/job')).status).toBe(503)
  expect((await request('GET', '/api/version')).status).toBe(200)
  host.gate = () => Promise.resolve(null)
  await expect(request('GET', '/api/job')).rejects.toThrow()
  await expect(pushSocket(host.url)).rejects.toThrow()
  host.gate = null
  expect((await request('GET', '/api/job')).status).toBe(200)
})

test('a start that is held up lands although its sender gave up long ago', async () => {
  const { host, upload, machine } = await rigWith()
  await upload('a.gcode', LONG)
  let letGo: () => void = () => undefined
  let arrived: () => void = () => undefined
  const held = new Promise<void>((resolve) => (letGo = resolve))
  const atGate = new Promise<void>((resolve) => (arrived = resolve))
  host.gate = async (call, next) => {
    arrived()
    await held
    return next(call)
  }
  const sender = new AbortController()
  const answer = fetch(`${host.url}/api/files/local/a.gcode`, {
    method: 'POST',
    headers: { 'x-api-key': host.apiKey, 'content-type': 'application/json' },
    body: JSON.stringify({ command: 'select', print: true }),
    signal: sender.signal,
  })
  await atGate
  sender.abort()
  await expect(answer).rejects.toThrow()
  expect(machine.counts.starts).toBe(0)
  letGo()
  await expect.poll(() => machine.counts.starts).toBe(1)
})

function stateOf(frame: Record<string, unknown>): string | undefined {
  return (frame['current'] as { state?: { text?: string } } | undefined)?.state?.text
}
