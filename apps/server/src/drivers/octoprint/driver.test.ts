import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  createMachine,
  createOctoPrintHost,
  type HostGate,
  type HostReply,
  type OctoPrintOptions,
  PERMISSIONS,
  ScaledClock,
  TimerWheel,
} from '@gantry/virtual-printers'
import { describe, expect, it, onTestFinished } from 'vitest'

import { createConnector } from '../../net/connector.js'
import { freshName, noAbort, sourceOf } from '../conformance/bench.js'
import { FaultProxy } from '../conformance/fault-proxy.js'
import { Recorder } from '../conformance/recorder.js'
import { OctoPrintClient } from './client.js'
import { OctoPrintDriver, type OctoPrintDriverOptions } from './driver.js'
import { flattenListing } from './listing.js'

const PAGE: HostReply = { status: 404, body: '<html>nothing here</html>', headers: { 'content-type': 'text/html' } }

const rig = async (hostOptions: Partial<OctoPrintOptions> = {}, options: OctoPrintDriverOptions = {}) => {
  const clock = new ScaledClock(50)
  const scheduler = new TimerWheel()
  const machine = createMachine({ name: 'driver-test' }, clock, scheduler)
  const dataDir = await mkdtemp(join(tmpdir(), 'gantry-octoprint-driver-'))
  const host = await createOctoPrintHost(machine, { clock, scheduler, dataDir, reportIntervalMs: 50, ...hostOptions })
  const connector = createConnector({ allowLoopback: true })
  const proxy = new FaultProxy(new URL(host.url))
  const url = await proxy.start()
  onTestFinished(async () => {
    await connector.close()
    await proxy.stop()
    machine.stop()
    await host.stop()
  })
  const told = new Recorder()
  const driver = new OctoPrintDriver(connector, options)
  const connect = () => driver.connect({ url, apiKey: host.apiKey }, { signal: noAbort(), onEvent: told.onEvent })
  /** Counts the requests to one path, and answers them when told to. */
  const intercept = (
    method: string,
    path: RegExp,
    answer?: (pass: () => Promise<HostReply>) => ReturnType<HostGate>,
  ) => {
    const counter = { calls: 0 }
    host.gate = (call, next) => {
      if (call.channel !== 'http' || call.method !== method || !path.test(call.path)) return next(call)
      counter.calls++
      return answer === undefined ? next(call) : answer(() => next(call))
    }
    return counter
  }
  return { host, machine, proxy, told, connect, intercept }
}

const reply = (made: HostReply) => () => Promise.resolve(made)
const GCODE = sourceOf('G28\nG1 X10\n')

describe('a start', () => {
  it.each([
    ['the answer is lost', () => Promise.resolve(null)],
    ['a proxy answers with a page', reply(PAGE)],
    ['the host answers with an internal error', reply({ status: 500, json: { error: 'Internal' } })],
    ['somebody answers 200', reply({ status: 200, json: {} })],
    ['somebody answers 409 in other words', reply({ status: 409, json: { message: 'conflict' } })],
  ])('is unknown when %s', async (_name, answer) => {
    const { connect, intercept } = await rig()
    const connection = await connect()
    intercept('POST', /files\/local/, answer)
    expect(await connection.start('a.gcode', noAbort())).toMatchObject({ kind: 'unknown' })
  })

  it('is rejected when the host has no printer', async () => {
    const { connect, machine } = await rig()
    const connection = await connect()
    const { remotePath } = await connection.upload(GCODE, freshName(), { signal: noAbort() })
    machine.emergencyStop('test')
    const answer = await connection.start(remotePath, noAbort())
    expect(answer).toMatchObject({ kind: 'rejected', error: { code: 'not_connected' } })
  })
})

describe('a deletion', () => {
  it.each([
    ['the answer is lost', () => Promise.resolve(null)],
    ['a proxy answers 404 with a page', reply(PAGE)],
    ['somebody answers 404 in other words', reply({ status: 404, json: { message: 'no' } })],
    ['the key may not', reply({ status: 403, json: { error: 'no permission' } })],
    ['the host says in use of a file that it does not print', reply({ status: 409, json: { error: 'in use' } })],
  ])('is unknown when %s', async (_name, answer) => {
    const { connect, intercept } = await rig()
    const connection = await connect()
    intercept('DELETE', /files\/local/, answer)
    expect(await connection.revoke('a.gcode', noAbort())).toBe('unknown')
  })
})

describe('an upload', () => {
  it('fails when the host stored another number of bytes', async () => {
    const { connect, intercept } = await rig()
    const connection = await connect()
    intercept('GET', /files\/local\/.+/, reply({ status: 200, json: { path: 'a.gcode', size: 3 } }))
    const upload = connection.upload(GCODE, freshName(), { signal: noAbort() })
    await expect(upload).rejects.toMatchObject({ code: 'protocol', message: /3 bytes instead of 11/ })
  })

  it.each([
    [413, undefined, 'too_large'],
    [415, { error: 'Could not upload file, invalid type' }, 'bad_file'],
    [403, { error: 'no permission' }, 'auth'],
    [500, { error: 'OSError: No space left on device' }, 'storage_full'],
  ])('that is answered %i %j fails as %s', async (status, json, code) => {
    const { connect, intercept } = await rig()
    const connection = await connect()
    intercept('POST', /files\/local$/, reply({ status, json }))
    const upload = connection.upload(GCODE, freshName(), { signal: noAbort() })
    await expect(upload).rejects.toMatchObject({ name: 'DriverError', code })
  })
})

describe('the permission probe', () => {
  it.each([
    ['FILES_UPLOAD', { upload: false, delete: false, print: true }],
    ['FILES_DELETE', { upload: true, delete: false, print: true }],
    ['PRINT', { upload: true, delete: true, print: false }],
  ] as const)('tells that a key lacks %s', async (lacking, expected) => {
    const { connect } = await rig({
      permissions: PERMISSIONS.filter((permission) => permission !== lacking),
    })
    const probe = await (await connect()).probePermissions(noAbort())
    expect(probe).toMatchObject(expected)
    expect(probe.detail).toMatch(/\w/)
  })

  it('fails when the host does not answer', async () => {
    const { connect, intercept } = await rig()
    const connection = await connect()
    intercept('POST', /files\/local$/, () => Promise.resolve(null))
    await expect(connection.probePermissions(noAbort())).rejects.toMatchObject({ code: 'unreachable' })
  })
})

describe('the push channel', () => {
  const REAUTH = JSON.stringify({ reauthRequired: { reason: 'stale' } })

  it('logs in again when the host has forgotten the session', async () => {
    const { connect, intercept, proxy, told } = await rig({}, { reportIntervalMs: 10 })
    await connect()
    const logins = intercept('POST', /login/)
    proxy.inject(REAUTH)
    await expect.poll(() => logins.calls).toBe(1)
    await told.report(() => true, 5000, told.events.length)
  })

  it('ends as unauthorised when the host forgets the session again and again', async () => {
    const { connect, proxy } = await rig()
    const connection = await connect()
    for (let time = 0; time < 6; time++) proxy.inject(REAUTH)
    expect(await connection.closed).toMatchObject({ name: 'DriverError', code: 'auth' })
  })

  it('ends as unauthorised when the key no longer logs in', async () => {
    const { connect, intercept, proxy } = await rig()
    const connection = await connect()
    intercept('POST', /login/, reply({ status: 403, json: { error: 'no' } }))
    proxy.inject(REAUTH)
    expect(await connection.closed).toMatchObject({ name: 'DriverError', code: 'auth' })
  })

  it('does not connect when the session is not accepted', async () => {
    const { connect, intercept } = await rig({}, { historyTimeoutMs: 300 })
    intercept('POST', /login/, reply({ status: 200, json: { name: 'x', session: 'bad', groups: ['admins'] } }))
    await expect(connect()).rejects.toMatchObject({ name: 'DriverError', code: 'auth' })
  })

  it('does not connect with a key that is nobody’s', async () => {
    const { connect, intercept } = await rig()
    intercept('POST', /login/, reply({ status: 200, json: { name: 'x', session: 's', groups: ['guests'] } }))
    await expect(connect()).rejects.toMatchObject({ name: 'DriverError', code: 'auth' })
  })

  it('asks by REST when nothing is pushed, and ends when that is not answered either', async () => {
    const { connect, intercept, told } = await rig(
      { reportIntervalMs: 60_000 },
      { silenceMs: 40, reportIntervalMs: 10 },
    )
    const connection = await connect()
    const asked = intercept('GET', /api\/job/)
    await expect.poll(() => asked.calls).toBeGreaterThan(1)
    expect(told.reports.length).toBeGreaterThan(1)
    intercept('GET', /api\/job/, reply({ status: 502, body: 'down', headers: { 'content-type': 'text/html' } }))
    expect(await connection.closed).toMatchObject({ name: 'DriverError', code: 'unreachable' })
  })
})

describe('a host without its printer', () => {
  it('connects and reports that the printer is away', async () => {
    const { connect, machine, told } = await rig()
    machine.emergencyStop('thermal runaway')
    await connect()
    expect(told.reports[0]).toMatchObject({ state: 'error', printerConnected: false, heaters: [], job: null })
    expect(told.reports[0]?.attention?.text).toContain('thermal runaway')
  })
})

describe('addresses and listings', () => {
  it('keeps a path prefix for the push channel', () => {
    const client = (url: string) => new OctoPrintClient(createConnector({}), { url, apiKey: null })
    expect(client('http://farm.test/octo1/').socketUrl).toBe('ws://farm.test/octo1/sockjs/websocket')
    expect(client('https://farm.test').socketUrl).toBe('wss://farm.test/sockjs/websocket')
  })

  it('lists the files of all folders and passes over what is none', () => {
    const tree = [
      { path: 'a.gcode', type: 'machinecode', size: 3, date: 1_700_000_000 },
      { path: 'sub', type: 'folder', children: [{ path: 'sub/b.gcode', type: 'machinecode' }, 'odd', null] },
    ]
    expect(flattenListing(tree, 10)).toEqual([
      { remotePath: 'a.gcode', sizeBytes: 3, modifiedAt: new Date(1_700_000_000_000) },
      { remotePath: 'sub/b.gcode', sizeBytes: null, modifiedAt: null },
    ])
    expect(flattenListing(tree, 1)).toHaveLength(1)
  })
})
