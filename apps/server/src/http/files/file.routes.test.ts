import { createHash } from 'node:crypto'
import { request, type IncomingMessage } from 'node:http'
import { once } from 'node:events'

import type { ErrorBody } from '@gantry/schemas'
import { afterEach, describe, expect, it } from 'vitest'

import { startProbeServer, type ProbeServer } from '../../testing/http-test-server.js'

const open: ProbeServer[] = []
const start = async (...args: Parameters<typeof startProbeServer>) => {
  const server = await startProbeServer(...args)
  open.push(server)
  return server
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.stop()))
})

const bytes = Buffer.alloc(300_000, 'G1 X10 Y10 E0.1\n')
const sha256 = createHash('sha256').update(bytes).digest('hex')
const headers = { Authorization: 'Bearer operator' }
const raw = { ...headers, 'Content-Type': 'application/octet-stream' }
const code = async (response: Response) => ((await response.json()) as { error: ErrorBody }).error.code
const formOf = (...names: string[]) => {
  const form = new FormData()
  for (const name of names) form.append('file', new Blob([bytes]), name)
  return form
}

describe('an upload', () => {
  it('streams a raw body to the handler under the name in the query', async () => {
    const { url } = await start()
    const response = await fetch(`${url}/api/files?name=cube%20%C3%BC.gcode`, {
      method: 'POST',
      headers: raw,
      body: bytes,
    })
    expect(response.status).toBe(201)
    expect(await response.json()).toEqual({ name: 'cube ü.gcode', sizeBytes: 300_000, contentLength: 300_000, sha256 })
  })

  it('takes the name from Content-Disposition, and only its last part', async () => {
    const { url } = await start()
    const disposition = `attachment; filename="x"; filename*=UTF-8''..%2F..%2Fetc%2Fw%C3%BCrfel.gcode`
    const response = await fetch(`${url}/api/files`, {
      method: 'POST',
      headers: { ...raw, 'Content-Disposition': disposition },
      body: bytes,
    })
    expect(await response.json()).toMatchObject({ name: 'würfel.gcode', sha256 })
  })

  it('takes a form with one file', async () => {
    const { url } = await start()
    const response = await fetch(`${url}/api/files`, { method: 'POST', headers, body: formOf('cube.gcode') })
    expect([response.status, await response.json()]).toEqual([
      201,
      { name: 'cube.gcode', sizeBytes: 300_000, contentLength: null, sha256 },
    ])
  })

  it('is refused as a form without a file, with two, or torn', async () => {
    const { url } = await start()
    const empty = new FormData()
    empty.append('note', 'nothing')
    for (const body of [empty, formOf('a.gcode', 'b.gcode')]) {
      const response = await fetch(`${url}/api/files`, { method: 'POST', headers, body })
      expect([response.status, await code(response)]).toEqual([400, 'VALIDATION_FAILED'])
    }
    const torn = await fetch(`${url}/api/files`, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'multipart/form-data; boundary=x' },
      body: '--x\r\nContent-Disposition: form-data; name="file"; filename="a.gcode"\r\n\r\nG28',
    })
    expect([torn.status, await code(torn)]).toEqual([400, 'VALIDATION_FAILED'])
  })

  it('is refused without a name, without a login, and in other media types', async () => {
    const { url } = await start()
    const send = (path: string, init: RequestInit) => fetch(url + path, { method: 'POST', body: bytes, ...init })
    const nameless = await send('/api/files', { headers: raw })
    expect([nameless.status, await code(nameless)]).toEqual([400, 'VALIDATION_FAILED'])
    const anonymous = await send('/api/files?name=a', { headers: { 'Content-Type': 'application/octet-stream' } })
    expect([anonymous.status, await code(anonymous)]).toEqual([401, 'UNAUTHENTICATED'])
    const json = await send('/api/files?name=a', { headers: { ...headers, 'Content-Type': 'application/json' } })
    expect([json.status, await code(json)]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE'])
  })

  it('over the size limit is refused, whether its length is told, hidden, or in a form', async () => {
    const { url } = await start({ http: { maxUploadBytes: 100_000 } })
    const told = await fetch(`${url}/api/files?name=a`, { method: 'POST', headers: raw, body: bytes })
    expect([told.status, await code(told)]).toEqual([413, 'FILE_TOO_LARGE'])
    const hidden = new ReadableStream({
      start: (controller) => {
        controller.enqueue(new Uint8Array(bytes))
        controller.close()
      },
    })
    const init = { method: 'POST', headers: raw, body: hidden, duplex: 'half' } as RequestInit
    const chunked = await fetch(`${url}/api/files?name=a`, init)
    expect([chunked.status, await code(chunked)]).toEqual([413, 'FILE_TOO_LARGE'])
    const form = await fetch(`${url}/api/files`, { method: 'POST', headers, body: formOf('a.gcode') })
    expect([form.status, await code(form)]).toEqual([413, 'FILE_TOO_LARGE'])
  })

  it.each([
    ['raw', raw, 'G28\n'],
    [
      'form',
      { ...headers, 'Content-Type': 'multipart/form-data; boundary=x' },
      '--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nG28\n',
    ],
  ])(
    'whose client vanishes fails as UPLOAD_TRUNCATED for the handler and aborts its signal (%s)',
    async (_kind, sent, part) => {
      let seen: { error: unknown; aborted: boolean } | null = null
      const { url } = await start({
        files: {
          upload: async (_actor, open, signal) => {
            const { source } = await open()
            source.once('data', () => req.destroy())
            const [error] = (await once(source, 'error')) as [unknown]
            seen = { error, aborted: signal.aborted }
            throw error as Error
          },
          content: () => Promise.reject(new Error('unused')),
          thumbnail: () => Promise.reject(new Error('unused')),
        },
      })
      const req = request(`${url}/api/files?name=a`, {
        method: 'POST',
        headers: { ...sent, 'Content-Length': '1000000' },
      })
      req.on('error', () => undefined)
      req.write(part)
      await expect.poll(() => seen).toMatchObject({ error: { code: 'UPLOAD_TRUNCATED' } })
    },
  )

  it('that stalls is given up', async () => {
    const { url } = await start({ timeouts: { uploadStallMs: 60 } })
    const req = request(`${url}/api/files?name=a`, { method: 'POST', headers: { ...raw, 'Content-Length': '1000' } })
    req.write('G28\n')
    const [response] = (await once(req, 'response')) as [{ statusCode: number }]
    req.on('error', () => undefined)
    expect(response.statusCode).toBe(400)
    req.destroy()
  })
})

describe('a form', () => {
  const FIELD = '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
  /** Begins one that never ends, and sends more of it as long as it may. */
  const endless = async (url: string, role: string, more: string | Buffer, everyMs: number, first = '') => {
    const req = request(`${url}/api/files`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${role}`, 'Content-Type': 'multipart/form-data; boundary=x' },
    })
    req.on('error', () => undefined)
    req.write(FIELD + first)
    const drip = setInterval(() => req.write(more), everyMs)
    const [response] = (await once(req, 'response')) as [IncomingMessage]
    let body = ''
    for await (const part of response.setEncoding('utf8')) body += part as string
    if (!response.socket.closed) await once(response.socket, 'close')
    clearInterval(drip)
    return [response.statusCode, (JSON.parse(body) as { error: ErrorBody }).error.code]
  }

  it('of somebody who may not upload is refused without waiting for its file, and cut off', async () => {
    const { url } = await start()
    expect(await endless(url, 'viewer', 'x', 50)).toEqual([403, 'FORBIDDEN'])
  })

  it('whose file does not come in time is given up, whatever else comes', async () => {
    const { url } = await start({ timeouts: { uploadStallMs: 200 } })
    expect(await endless(url, 'operator', 'x', 20)).toEqual([400, 'UPLOAD_TRUNCATED'])
  })

  it('with a field that does not end is refused', async () => {
    const { url } = await start()
    expect(await endless(url, 'operator', Buffer.alloc(20_000, 'x'), 5)).toEqual([413, 'REQUEST_TOO_LARGE'])
  })

  it('that goes on behind its file is given up, too', async () => {
    const { url } = await start({ timeouts: { uploadStallMs: 200 } })
    const file = `1\r\n${FIELD.replace('"a"', '"file"; filename="a.gcode"')}G28\r\n${FIELD}`
    expect(await endless(url, 'operator', 'x', 20, file)).toEqual([400, 'UPLOAD_TRUNCATED'])
  })
})

describe('a download', () => {
  it('comes as an attachment under a harmless name', async () => {
    const { url } = await start()
    const response = await fetch(`${url}/api/files/f1/content`, { headers })
    expect(await response.text()).toBe('G28\n')
    expect(response.headers.get('content-disposition')).toBe(
      `attachment; filename="W_rfel _1_.gcode"; filename*=UTF-8''W%C3%BCrfel%20%221%22.gcode`,
    )
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  })

  it('of what is not there is 404, and without a login 401', async () => {
    const { url } = await start()
    const missing = await fetch(`${url}/api/files/f1/thumbnail`, { headers })
    expect([missing.status, await code(missing)]).toEqual([404, 'NOT_FOUND'])
    expect((await fetch(`${url}/api/files/f1/content`)).status).toBe(401)
  })
})
