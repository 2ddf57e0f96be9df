import { afterEach, expect, test } from 'vitest'
import { MoonrakerRig } from '../testing/moonraker-rig.js'

const IDENTITY = { client_name: 'Gantry', version: '1', type: 'other', url: 'https://gantry.example' }
const rigs: MoonrakerRig[] = []
afterEach(async () => {
  await Promise.all(rigs.splice(0).map((rig) => rig.dispose()))
})

async function lockedRig(): Promise<MoonrakerRig> {
  const rig = await MoonrakerRig.create({ requireApiKey: true, apiKey: 'a'.repeat(32) })
  rigs.push(rig)
  return rig
}

test('a locked host tells who it is, and answers everything else with 401 until the key comes', async () => {
  const rig = await lockedRig()
  const info = await rig.http('/access/info')
  expect(info).toMatchObject({ status: 200, json: { result: { trusted: false, login_required: false } } })
  const refused = await rig.http('/server/info')
  expect(refused).toMatchObject({ status: 401, json: { error: { code: 401, message: 'Unauthorized' } } })
  expect((await rig.http('/server/files/gcodes/a.gcode', { method: 'DELETE' })).status).toBe(401)
  expect((await rig.upload('a.gcode', 'G28')).status).toBe(401)
  expect((await rig.http('/server/info?apikey=' + rig.host.apiKey)).status).toBe(401)
  const letIn = await rig.http('/server/info', { headers: { 'x-api-key': rig.host.apiKey } })
  expect(letIn).toMatchObject({ status: 200, json: { result: { klippy_state: 'ready', klippy_connected: true } } })
})

test('a socket without the key is accepted and refused call by call until it identifies', async () => {
  const rig = await lockedRig()
  const client = await rig.connect()
  expect((await client.send('server.info')).error).toEqual({ code: -32602, message: 'Unauthorized' })
  expect((await client.send('access.info')).error).toBeUndefined()
  const bare = await client.send('server.connection.identify', IDENTITY)
  expect(bare.error).toEqual({ code: -32602, message: 'Unauthorized' })
  const wrong = await client.send('server.connection.identify', { ...IDENTITY, api_key: 'b'.repeat(32) })
  expect(wrong.error).toEqual({ code: -32602, message: 'Invalid API Key' })
  const right = await client.call('server.connection.identify', { ...IDENTITY, api_key: rig.host.apiKey })
  expect(right).toEqual({ connection_id: 1 })
  expect(await client.call('server.info')).toMatchObject({ klippy_state: 'ready' })
  const again = await client.send('server.connection.identify', { ...IDENTITY, api_key: rig.host.apiKey })
  expect(again.error?.code).toBe(400)
})

test('a one-time token opens one socket, and a key in the handshake does too', async () => {
  const rig = await lockedRig()
  const headers = { 'x-api-key': rig.host.apiKey }
  const token = (await rig.http('/access/oneshot_token', { headers })).json.result as unknown as string
  expect((await rig.http(`/server/info?token=${token}`)).status).toBe(200)
  expect((await rig.http(`/server/info?token=${token}`)).status).toBe(401)
  const client = await rig.connect(headers)
  expect(await client.call('printer.info')).toMatchObject({ state: 'ready', hostname: 'voron' })
})

test('JSON-RPC by POST answers 200 with the error inside, and knows no subscriptions', async () => {
  const rig = await lockedRig()
  const post = (body: unknown, key?: string) =>
    rig.http('/server/jsonrpc', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key !== undefined && { 'x-api-key': key }) },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const call = (method: string, params?: object) => ({ jsonrpc: '2.0', id: 7, method, params })
  expect((await post(call('server.info'))).json).toMatchObject({ id: 7, error: { code: -32602 } })
  const key = rig.host.apiKey
  expect((await post('{', key)).json).toMatchObject({ error: { code: -32700 } })
  expect((await post({ id: 1 }, key)).json).toMatchObject({ error: { code: -32600 } })
  expect((await post(call('no.such'), key)).json).toMatchObject({ error: { code: -32601 } })
  expect((await post(call('printer.objects.subscribe', { objects: {} }), key)).json).toMatchObject({
    error: { code: -32601 },
  })
  const batch = await post([call('server.info'), { jsonrpc: '2.0', method: 'server.info' }], key)
  expect(batch.json).toHaveLength(1)
})
