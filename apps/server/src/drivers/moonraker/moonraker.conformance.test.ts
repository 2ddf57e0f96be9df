import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createMachine, createMoonrakerHost, ScaledClock, TimerWheel } from '@gantry/virtual-printers'

import { createConnector } from '../../net/connector.js'
import { describeDriverConformance, heatingSample, type HostUnderTest, movesSample } from '../conformance.js'

import { MoonrakerDriver } from './driver.js'

const start = async (): Promise<HostUnderTest> => {
  const clock = new ScaledClock(20)
  const scheduler = new TimerWheel()
  const machine = createMachine({ name: 'conformance', cancelAbortsHeating: false }, clock, scheduler)
  const dataDir = await mkdtemp(join(tmpdir(), 'gantry-conformance-'))
  const options = { clock, scheduler, dataDir, reportIntervalMs: 50, requireApiKey: true, klippyRestartMs: 200 }
  const host = await createMoonrakerHost(machine, options)
  const connector = createConnector({ allowLoopback: true })
  return {
    driver: new MoonrakerDriver(connector, { livenessMs: 500, answerTimeoutMs: 2000, reportIntervalMs: 100 }),
    target: { url: host.url, apiKey: host.apiKey },
    wrongKey: 'not-the-key-4711',
    heaters: { tool: 'extruder', bed: 'heater_bed' },
    samples: { quick: movesSample(30), long: movesSample(3000), heating: heatingSample(240) },
    clearBed: () => machine.clearBed(),
    async recover() {
      const headers = { 'x-api-key': host.apiKey }
      await connector.request({ method: 'POST', url: `${host.url}/printer/firmware_restart`, headers })
      for (;;) {
        const { json } = await connector.json({ url: `${host.url}/server/info`, headers })
        if ((json as { result: { klippy_state: string } }).result.klippy_state === 'ready') return
      }
    },
    async stop() {
      await connector.close()
      machine.stop()
      await host.stop()
    },
  }
}

describeDriverConformance('Moonraker on the virtual host', { start })
