import { describeDriverConformance, heatingSample, movesSample } from '../../src/drivers/conformance.js'
import { MoonrakerDriver } from '../../src/drivers/moonraker/driver.js'
import { createConnector } from '../../src/net/connector.js'
import { startMoonraker } from './moonraker-host.js'

describeDriverConformance('Moonraker on a real host', {
  start: async () => {
    // Slow enough to be caught heating, fast enough not to be waited for.
    const host = await startMoonraker({ heatingCelsiusPerSecond: 40 })
    const connector = createConnector({ allowLoopback: true })
    return {
      driver: new MoonrakerDriver(connector, { livenessMs: 2000, answerTimeoutMs: 3000 }),
      target: { url: host.url, apiKey: host.apiKey },
      wrongKey: '0'.repeat(32),
      heaters: { tool: 'extruder', bed: 'heater_bed' },
      samples: { quick: movesSample(4), long: movesSample(120), heating: heatingSample(220) },
      recover: () => host.restartKlippy(),
      stop: async () => {
        await connector.close()
        await host.stop()
      },
    }
  },
})
