import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'

import { freshName, noAbort, sourceOf } from '../../src/drivers/conformance/bench.js'
import { Recorder } from '../../src/drivers/conformance/recorder.js'
import { heatingSample, movesSample } from '../../src/drivers/conformance.js'
import { MoonrakerDriver } from '../../src/drivers/moonraker/driver.js'
import type { DriverConnection } from '../../src/modules/printers/printer-driver.port.js'
import { createConnector, type Connector } from '../../src/net/connector.js'
import { startMoonraker, type MoonrakerHost } from './moonraker-host.js'

const REACT_MS = 20_000

/** What only Moonraker's two processes, the host and Klippy, can do to a driver. */
describe('Moonraker whose Klippy comes and goes', () => {
  let host: MoonrakerHost
  let connector: Connector
  let connection: DriverConnection
  let told: Recorder

  beforeAll(async () => {
    host = await startMoonraker({ heatingCelsiusPerSecond: 20 })
    connector = createConnector({ allowLoopback: true })
  })

  afterAll(async () => {
    await connector.close()
    await host.stop()
  })

  const connect = async () => {
    told = new Recorder()
    const target = { url: host.url, apiKey: host.apiKey }
    connection = await new MoonrakerDriver(connector).connect(target, { signal: noAbort(), onEvent: told.onEvent })
    onTestFinished(() => connection.close())
  }

  const print = async (text: string): Promise<string> => {
    const { remotePath } = await connection.upload(sourceOf(text), freshName(), { signal: noAbort() })
    expect(await connection.start(remotePath, noAbort())).toEqual({ kind: 'sent' })
    await told.report(({ state, job }) => state === 'printing' && job?.remotePath === remotePath, REACT_MS)
    return remotePath
  }

  beforeEach(async () => {
    await host.restartKlippy()
    await connect()
  })

  it('reports offline while Klippy is away and everything again once it is back', async () => {
    await host.klippy.stop()
    await told.report(({ state, printerConnected }) => state === 'offline' && !printerConnected, REACT_MS)
    const { remotePath } = await connection.upload(sourceOf(movesSample(2)), freshName(), { signal: noAbort() })
    const answer = await connection.start(remotePath, noAbort())
    expect(answer).toMatchObject({ kind: 'rejected', error: { code: 'not_connected' } })
    expect(await connection.revoke(remotePath, noAbort())).toBe('deleted')
    const since = told.events.length
    await host.klippy.start()
    await told.report(({ state, heaters }) => state === 'idle' && heaters.length === 2, REACT_MS, since)
    await print(movesSample(2))
    await told.event('printEnded', ({ outcome }) => outcome === 'completed', REACT_MS)
  })

  it('can be connected to while Klippy is away', async () => {
    await host.klippy.stop()
    await told.report(({ state }) => state === 'offline', REACT_MS)
    await connect()
    expect(told.reports[0]).toMatchObject({ state: 'offline', printerConnected: false })
    await host.klippy.start()
    await told.report(({ state }) => state === 'idle', REACT_MS)
    expect([...connection.capabilities]).toEqual(expect.arrayContaining(['pause', 'history', 'layers']))
  })

  it('fails a print that was lost with Klippy, once', async () => {
    const remotePath = await print(movesSample(60))
    host.klippy.restart()
    const end = await told.event('printEnded', (event) => event.remotePath === remotePath, REACT_MS)
    expect(end).toMatchObject({ outcome: 'failed', hostJobRef: expect.stringMatching(/^[0-9A-F]+$/) as string })
    await told.report(({ state }) => state === 'idle', REACT_MS, told.events.indexOf(end))
    expect(await connection.evidence(remotePath, noAbort())).toMatchObject({ kind: 'ended', outcome: 'failed' })
    expect(told.all('printEnded')).toHaveLength(1)
  })

  it('fails a print that a shutdown ended, and says what happened', async () => {
    const remotePath = await print(movesSample(60))
    host.klippy.shutdown("Lost communication with MCU 'mcu'")
    const report = await told.report(({ state }) => state === 'error', REACT_MS)
    expect(report.attention).toEqual({ text: "Lost communication with MCU 'mcu'", severity: 'error' })
    await told.event('printEnded', ({ outcome }) => outcome === 'failed', REACT_MS)
    expect(await connection.evidence(remotePath, noAbort())).toMatchObject({ kind: 'ended', outcome: 'failed' })
    expect(told.all('printEnded')).toHaveLength(1)
  })

  it('accepts a pause while it heats, shows it, and pauses when the temperature is reached', async () => {
    const remotePath = await print(heatingSample(200))
    const asked = performance.now()
    await connection.pause(remotePath, noAbort())
    expect(performance.now() - asked).toBeLessThan(6000)
    await told.report(({ state }) => state === 'pausing', REACT_MS)
    await told.report(({ state }) => state === 'paused', REACT_MS)
    await connection.cancel(remotePath, noAbort())
    await told.event('printEnded', ({ outcome }) => outcome === 'cancelled', REACT_MS)
  })

  it('reads layers and the reference in the history', async () => {
    const header = 'SET_PRINT_STATS_INFO TOTAL_LAYER=7\nSET_PRINT_STATS_INFO CURRENT_LAYER=2\n'
    const remotePath = await print(header + movesSample(30))
    const { job } = await told.report((report) => report.job?.layer === 2 && report.job.hostJobRef !== null, REACT_MS)
    expect(job).toMatchObject({ remotePath, layerCount: 7 })
    await connection.cancel(remotePath, noAbort())
    const [newest] = await connection.history(1, noAbort())
    expect(newest).toMatchObject({ remotePath, hostJobRef: job?.hostJobRef })
  })
})
