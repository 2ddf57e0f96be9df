import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createMachine, createOctoPrintHost, ScaledClock, TimerWheel } from '@gantry/virtual-printers'

import { createConnector } from '../../net/connector.js'
import { describeDriverConformance, heatingSample, type HostUnderTest, movesSample } from '../conformance.js'
import { OctoPrintDriver } from './driver.js'

const start = async (): Promise<HostUnderTest> => {
  const clock = new ScaledClock(20)
  const scheduler = new TimerWheel()
  const machine = createMachine({ name: 'conformance' }, clock, scheduler)
  const dataDir = await mkdtemp(join(tmpdir(), 'gantry-conformance-'))
  const host = await createOctoPrintHost(machine, { clock, scheduler, dataDir, reportIntervalMs: 50 })
  const connector = createConnector({ allowLoopback: true })
  const liveness = { requestTimeoutMs: 2000, pingIntervalMs: 300, pongTimeoutMs: 600 }
  return {
    driver: new OctoPrintDriver(connector, { ...liveness, reportIntervalMs: 100 }),
    target: { url: host.url, apiKey: host.apiKey },
    wrongKey: 'NOT-THE-KEY-4711',
    heaters: { tool: 'tool0', bed: 'bed' },
    samples: { quick: movesSample(30), long: movesSample(3000), heating: heatingSample(240) },
    clearBed: () => machine.clearBed(),
    async recover() {
      await connector.request({
        method: 'POST',
        url: `${host.url}/api/connection`,
        headers: { 'x-api-key': host.apiKey, 'content-type': 'application/json' },
        body: JSON.stringify({ command: 'connect' }),
      })
    },
    async stop() {
      await connector.close()
      machine.stop()
      await host.stop()
    },
  }
}

describeDriverConformance('OctoPrint on the virtual host', { skip: ['rememberCancels'], start })
