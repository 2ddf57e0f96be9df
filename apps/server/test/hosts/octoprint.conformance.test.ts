import { describeDriverConformance, heatingSample, movesSample } from '../../src/drivers/conformance.js'
import { OctoPrintDriver } from '../../src/drivers/octoprint/driver.js'
import { createConnector } from '../../src/net/connector.js'
import { startOctoPrint } from './octoprint-host.js'

describeDriverConformance('OctoPrint on a real host', {
  // It notes only whether a print succeeded; that it was cancelled is told once and then forgotten.
  skip: ['rememberCancels'],
  start: async () => {
    const host = await startOctoPrint()
    const connector = createConnector({ allowLoopback: true })
    return {
      driver: new OctoPrintDriver(connector, { pingIntervalMs: 2000, pongTimeoutMs: 1000 }),
      target: { url: host.url, apiKey: host.apiKey },
      wrongKey: 'F'.repeat(32),
      heaters: { tool: 'tool0', bed: 'bed' },
      // Its virtual printer takes no time to move, only to read lines.
      samples: { quick: movesSample(100), long: movesSample(20_000), heating: heatingSample(100) },
      recover: () => host.reconnectPrinter(),
      stop: async () => {
        await connector.close()
        await host.stop()
      },
    }
  },
})
