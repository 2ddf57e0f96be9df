import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { startAppUnderTest, uploaded, type AppUnderTest } from '../../src/testing/app-under-test.js'
import { forged, SLICED, without, zipOf } from '../../src/testing/three-mf-archives.js'
import { TINY_GCODE } from '../../src/testing/tiny-gcode.js'

const LIMIT_BYTES = 400_000
const TOKEN = new URL('../../src/modules/files/fixtures/demo-token.gcode', import.meta.url)

let app: AppUnderTest
let token: Buffer

beforeAll(async () => {
  token = await readFile(TOKEN)
  app = await startAppUnderTest({ GANTRY_ROLES: 'api', MAX_UPLOAD_BYTES: String(LIMIT_BYTES) })
})
afterAll(() => app[Symbol.asyncDispose]())

const PNG = Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), Buffer.alloc(5_000, 7)])

/** Speaks HTTP by hand, to say what no client says. */
const rawUpload = (headers: string[]) => {
  const { hostname, port } = new URL(app.url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  const authorization = `Authorization: ${app.admin.headers['Authorization'] ?? ''}`
  const head = ['POST /api/files?name=torn.gcode HTTP/1.1', `Host: ${hostname}`, authorization]
  socket.write([...head, 'Content-Type: application/octet-stream', ...headers, '', ''].join('\r\n'))
  return socket
}

const answered = async (socket: ReturnType<typeof connect>): Promise<string> => {
  let text = ''
  for await (const chunk of socket as AsyncIterable<Buffer>) text += chunk.toString()
  return text
}

describe('an upload', () => {
  it.each([
    ['an HTML page', '<!DOCTYPE html><html><body>Not found</body></html>'.repeat(40)],
    ['a picture', PNG],
    ['nothing at all', ''],
    ['prose', 'Dear Sir or Madam,\nplease print this for me.\n'.repeat(50)],
  ])('of %s is refused, and nothing of it is kept', async (_what, bytes) => {
    const before = await app.kept()
    const { status, error } = await app.admin.upload('looks-right.gcode', bytes)
    expect([status, error?.code]).toEqual([422, 'NOT_GCODE'])
    expect(await app.kept()).toEqual(before)
  })

  it.each(['notes.txt', 'noending', `${'x'.repeat(250)}.gcode`, '', '..'])('named %j is refused', async (name) => {
    const before = await app.kept()
    const { error } = await app.admin.upload(name, TINY_GCODE)
    expect([error?.code, Object.keys(error?.fields ?? {})]).toEqual(['VALIDATION_FAILED', ['name']])
    expect(await app.kept()).toEqual(before)
  })

  it('that is too large is refused, announced or not', async () => {
    const before = await app.kept()
    const large = Buffer.concat([token, token])
    const announced = await app.admin.upload('large.gcode', large)
    expect([announced.status, announced.error?.code]).toEqual([413, 'FILE_TOO_LARGE'])
    const socket = rawUpload(['Transfer-Encoding: chunked', 'Connection: close'])
    const chunk = large.subarray(0, 50_000)
    for (let sent = 0; sent <= LIMIT_BYTES + 50_000; sent += chunk.length) {
      socket.write(`${chunk.length.toString(16)}\r\n`)
      socket.write(chunk)
      socket.write('\r\n')
    }
    socket.write('0\r\n\r\n')
    expect(await answered(socket)).toMatch(/^HTTP\/1.1 413 .*"code":"FILE_TOO_LARGE"/s)
    expect(await app.kept()).toEqual(before)
  })

  it('whose connection is cut in the middle leaves nothing behind', async () => {
    const before = await app.kept()
    const socket = rawUpload([`Content-Length: ${token.length}`])
    socket.write(token.subarray(0, 100_000))
    await expect.poll(async () => (await app.kept())['stored files']).toBe(1 + (before['stored files'] ?? 0))
    socket.destroy()
    await expect.poll(() => app.kept()).toEqual(before)
  })

  it('that ends before the announced length leaves nothing behind', async () => {
    const before = await app.kept()
    const from = app.logLines.length
    const socket = rawUpload([`Content-Length: ${token.length + 1_000}`])
    socket.end(token)
    await answered(socket)
    await expect.poll(() => app.kept()).toEqual(before)
    expect(app.logLines.slice(from).join('')).toMatch(/"(UPLOAD_TRUNCATED|REQUEST_ABORTED)"/)
  })

  it('of another content type is refused', async () => {
    const before = await app.kept()
    const { error } = await app.admin.rest('POST', '/api/files?name=a.gcode', { gcode: 'G28' })
    expect(error?.code).toBe('UNSUPPORTED_MEDIA_TYPE')
    expect(await app.kept()).toEqual(before)
  })

  it('of the same name and content again keeps one version; other content is the next', async () => {
    const first = await uploaded(app.admin, 'token.gcode', token)
    expect(await uploaded(app.admin, 'token.gcode', token)).toMatchObject({ id: first.id, latest: { number: 1 } })
    const second = await uploaded(app.admin, 'token.gcode', TINY_GCODE)
    expect(second).toMatchObject({ id: first.id, latest: { number: 2, sizeBytes: TINY_GCODE.length } })
    const { items } = await app.admin.trpc.files.versions.query({ id: first.id })
    expect(items.map(({ number }) => number)).toEqual([2, 1])
    const { headers } = app.admin
    const content = await fetch(`${app.url}/api/files/${first.latest.id}/content`, { headers })
    expect(Buffer.from(await content.arrayBuffer()).equals(token)).toBe(true)
  })

  it('of one content at once under many names stores the content once', async () => {
    const before = (await app.kept())['stored files'] ?? 0
    const content = `${TINY_GCODE}; at once\n`
    const files = await Promise.all([1, 2, 3, 4].map((n) => uploaded(app.admin, `once-${n}.gcode`, content)))
    expect(new Set(files.map(({ id }) => id)).size).toBe(4)
    expect((await app.kept())['stored files']).toBe(before + 1)
    for (const { id } of files.slice(1)) await app.admin.trpc.files.remove.mutate({ id })
    expect((await app.admin.rest('GET', `/api/files/${files[0]?.id ?? ''}/content`)).body).toBe(content)
  })
})

describe('an upload of a 3MF', () => {
  it('keeps what a slicer exported, as it came, with what it says of itself', async () => {
    const archive = await zipOf(SLICED)
    const { latest } = await uploaded(app.admin, 'cube.gcode.3mf', archive)
    expect(latest).toMatchObject({ format: '3mf', hasThumbnail: true, sizeBytes: archive.length })
    expect(latest.metadata).toMatchObject({ estimatedPrintSeconds: 1534, plates: [{ number: 1 }] })
    const { headers } = app.admin
    const content = await fetch(`${app.url}/api/files/${latest.id}/content`, { headers })
    expect(content.headers.get('content-type')).toBe('model/3mf')
    expect(Buffer.from(await content.arrayBuffer()).equals(archive)).toBe(true)
    const picture = await fetch(`${app.url}/api/files/${latest.id}/thumbnail`, { headers })
    expect(Buffer.from(await picture.arrayBuffer()).equals(Buffer.from(SLICED['Metadata/plate_1.png'] ?? ''))).toBe(
      true,
    )
  })

  it('that is only a model, or is none, is refused, and nothing of it is kept', async () => {
    const before = await app.kept()
    const refused = async (name: string, bytes: string | Buffer) => {
      const { status, error } = await app.admin.upload(name, bytes)
      return [status, error?.code, error?.params]
    }
    const archive = await zipOf(SLICED)
    const damaged = forged(archive, (bytes) => void bytes.writeUInt8(1, bytes.length - 12))
    expect(await refused('model.3mf', await zipOf(without(SLICED, 'Metadata/plate_1.gcode')))).toEqual([
      422,
      'NOT_SLICED',
      {},
    ])
    expect(await refused('token.3mf', token)).toEqual([422, 'NOT_3MF', { reason: 'not_zip' }])
    expect(await refused('damaged.3mf', damaged)).toEqual([422, 'NOT_3MF', { reason: 'malformed' }])
    expect(await refused('cube.gcode', archive)).toEqual([422, 'NOT_GCODE', { reason: 'binary' }])
    expect(await app.kept()).toEqual(before)
  })

  it('that is a bomb holds up no other upload', async () => {
    const bomb = await zipOf({ ...SLICED, zeros: Buffer.alloc(50_000_000) })
    const [ordinary, ...refused] = await Promise.all([
      uploaded(app.admin, 'beside-bombs.gcode', TINY_GCODE),
      ...['a.3mf', 'b.3mf', 'c.3mf'].map((name) => app.admin.upload(name, bomb)),
    ])
    expect(ordinary.latest.number).toBe(1)
    const reasons = refused.map(({ error }) => error?.params)
    expect(reasons).toEqual(Array(3).fill({ reason: 'compression_ratio' }))
  })
})

describe('the quota', () => {
  it('counts what is kept, and nothing of a 3MF that was refused', async () => {
    const archive = await zipOf(SLICED)
    const damaged = forged(archive, (bytes) => void bytes.writeUInt8(1, bytes.length - 12))
    await using small = await startAppUnderTest({
      ...{ GANTRY_ROLES: 'api', MAX_UPLOAD_BYTES: String(LIMIT_BYTES) },
      UPLOAD_QUOTA_BYTES: String(LIMIT_BYTES),
    })
    for (let sent = 0; sent <= LIMIT_BYTES; sent += damaged.length * 40) {
      const answers = await Promise.all([1, 2, 3, 4].map((n) => small.admin.upload(`${n}.3mf`, damaged)))
      expect(answers.map(({ error }) => error?.code)).toEqual(Array(4).fill('NOT_3MF'))
    }
    await uploaded(small.admin, 'fits.3mf', archive)
    expect(await small.kept()).toMatchObject({ 'stored files': 2 })
  })
})
