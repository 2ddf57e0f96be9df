import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { gcodeFor, MoonrakerRig } from '../testing/moonraker-rig.js'

let rig: MoonrakerRig
beforeEach(async () => {
  rig = await MoonrakerRig.create({ maxUploadBytes: 100_000 })
})
afterEach(() => rig.dispose())

test('an upload answers 201 unwrapped, is listed, has metadata and comes back byte by byte', async () => {
  const content = gcodeFor(3)
  const checksum = createHash('sha256').update(content).digest('hex').toUpperCase()
  const client = await rig.connect()
  const { status, headers, json } = await rig.upload('s p.gcode', content, { path: 'sub', checksum })
  expect(status).toBe(201)
  expect(headers.get('location')).toBe(`${rig.host.url}/server/files/gcodes/sub/s%20p.gcode`)
  expect(json).toMatchObject({
    action: 'create_file',
    item: { path: 'sub/s p.gcode', root: 'gcodes', size: content.length, permissions: 'rw' },
    print_started: false,
    print_queued: false,
  })
  expect(await client.next('notify_filelist_changed')).toMatchObject([{ action: 'create_file' }])
  expect(await client.call('server.files.list', {})).toMatchObject([{ path: 'sub/s p.gcode' }])
  const metadata = await client.call('server.files.metadata', { filename: 'sub/s p.gcode' })
  expect(metadata).toMatchObject({ slicer: 'PrusaSlicer', estimated_time: 100, filament_total: 100.5 })
  const download = await fetch(headers.get('location')!)
  expect(await download.text()).toBe(content)
  const folder = await rig.http('/server/files/directory?path=gcodes/sub&extended=true')
  expect(folder.json.result).toMatchObject({ dirs: [], files: [{ filename: 's p.gcode', slicer: 'PrusaSlicer' }] })
  expect((await client.call('server.files.get_directory', {})).dirs).toMatchObject([{ dirname: 'sub' }])
})

test('a wrong checksum is 422, a way out of the root 400, and nothing is left behind', async () => {
  const wrong = await rig.upload('a.gcode', 'G28', { checksum: '00' })
  expect(wrong).toMatchObject({ status: 422, json: { error: { message: 'Unprocessable Entity' } } })
  expect(wrong.json.error.traceback).toContain('checksum mismatch')
  for (const [filename, fields] of [
    ['../../etc/passwd', {}],
    ['a.gcode', { path: '../..' }],
    ['a.gcode', { root: 'logs' }],
  ] as const) {
    expect(await rig.upload(filename, 'G28', fields)).toMatchObject({ status: 400 })
  }
  const nameless = new FormData()
  nameless.set('print', 'true')
  expect(await rig.http('/server/files/upload', { method: 'POST', body: nameless })).toMatchObject({ status: 400 })
  expect(await rig.upload('big.gcode', 'G'.repeat(200_000))).toMatchObject({ status: 400 })
  expect((await rig.http('/server/files/list')).json.result).toEqual([])
})

test('an upload that breaks off leaves the host alive and without the file', async () => {
  const target = new URL(rig.host.url)
  await new Promise<void>((resolve) => {
    const headers = { 'content-type': 'multipart/form-data; boundary=x', 'content-length': 5_000 }
    const upload = request({
      host: target.hostname,
      port: target.port,
      path: '/server/files/upload',
      method: 'POST',
      headers,
    })
    upload.on('error', () => resolve())
    upload.on('close', () => resolve())
    upload.write('--x\r\ncontent-disposition: form-data; name="file"; filename="a.gcode"\r\n\r\nG28\n', () =>
      upload.destroy(),
    )
  })
  expect((await rig.http('/server/files/list')).json.result).toEqual([])
})

test('a file that is no g-code is stored, not listed and never printed', async () => {
  const { json } = await rig.upload('readme.txt', 'hello', { print: 'true' })
  expect(json).toMatchObject({ item: { path: 'readme.txt' }, print_started: false })
  expect((await rig.http('/server/files/list')).json.result).toEqual([])
  expect((await rig.http('/server/files/metadata?filename=readme.txt')).status).toBe(404)
})

test('upload with print starts when idle, and is stored without a start when busy', async () => {
  expect((await rig.upload('a.gcode', gcodeFor(60), { print: 'true' })).json).toMatchObject({ print_started: true })
  rig.time.advance(250)
  const second = await rig.upload('b.gcode', gcodeFor(60), { print: 'true' })
  expect(second).toMatchObject({ status: 201, json: { print_started: false, item: { path: 'b.gcode' } } })
  expect(rig.machine.job?.name).toBe('a.gcode')
})

test('a file in print can be neither overwritten nor deleted; others can', async () => {
  await rig.upload('a.gcode', gcodeFor(60), { print: 'true' })
  await rig.upload('b.gcode', gcodeFor(60))
  rig.time.advance(250)
  expect(await rig.upload('a.gcode', 'G28')).toMatchObject({ status: 403, json: { error: { message: 'Forbidden' } } })
  const client = await rig.connect()
  const refused = await client.send('server.files.delete_file', { path: 'gcodes/a.gcode' })
  expect(refused.error).toEqual({ code: 403, message: 'File currently in use' })
  const byHttp = await rig.http('/server/files/gcodes/a.gcode', { method: 'DELETE' })
  expect(byHttp).toMatchObject({ status: 403, json: { error: { message: 'Forbidden' } } })
  expect(await client.call('server.files.delete_file', { path: 'gcodes/b.gcode' })).toMatchObject({
    action: 'delete_file',
    item: { path: 'b.gcode', size: 0 },
  })
  const gone = await client.send('server.files.delete_file', { path: 'gcodes/b.gcode' })
  expect(gone.error).toEqual({ code: 400, message: 'Invalid file path: gcodes/b.gcode' })
})

test('a delete that races the start takes the file, and the print goes on without it', async () => {
  const client = await rig.connect()
  await rig.upload('a.gcode', gcodeFor(5))
  await client.call('printer.print.start', { filename: 'a.gcode' })
  expect(await client.call('server.files.delete_file', { path: 'gcodes/a.gcode' })).toMatchObject({
    action: 'delete_file',
  })
  rig.time.advance(60_000)
  expect(rig.machine.lastJob).toMatchObject({ name: 'a.gcode', outcome: 'done' })
})
