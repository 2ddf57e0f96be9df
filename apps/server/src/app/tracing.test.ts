import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { expect, it } from 'vitest'

import { Lifecycle, systemClock } from '../kernel/index.js'
import { recordingLogger } from '../testing/recording-logger.js'
import { openTracing } from './tracing.js'

const CONFIG = { headers: {}, service: 'gantry', ratio: 1 }

it('a collector that hangs holds nobody up, and the server stops in good time', async () => {
  const hanging = createServer(() => undefined).listen(0, '127.0.0.1')
  await once(hanging, 'listening')
  const endpoint = `http://127.0.0.1:${(hanging.address() as AddressInfo).port}`
  const log = recordingLogger()
  const lifecycle = new Lifecycle(log)
  const tracer = openTracing({ config: { ...CONFIG, endpoint }, instanceId: 'i', clock: systemClock, log, lifecycle })
  // Many more than may wait.
  for (let n = 0; n < 10_000; n += 1) tracer.begin('GET', 'server', null)?.end()
  await lifecycle.stop()
  expect(log.lines.map(({ message }) => message)).not.toContain('stage did not stop in time')
  hanging.closeAllConnections()
  hanging.close()
})
