import { createFleet } from '@gantry/virtual-printers'
import { describe, expect, it } from 'vitest'

import { systemClock } from '../kernel/index.js'
import type { HostReport } from '../modules/printers/printer-driver.port.js'
import { PrinterSession } from '../modules/printers/printer-session.js'
import { createConnector } from '../net/connector.js'
import { createDriverRegistry } from './registry.js'

const LONG = Buffer.from('G28\nG1 X10 E5 F300\nG1 X200 E9 F300\n'.repeat(500))
const DEADLINE_MS = 5_000

/** A print on a host of this kind, and a process that is frozen while the host answers its first question. */
const open = async (kind: 'octoprint' | 'moonraker') => {
  const fleet = await createFleet({ [kind]: 1, speed: 20 })
  const connector = createConnector({ allowedCidrs: [], allowLoopback: true })
  const [{ url, apiKey, host, machine }] = fleet.printers as [(typeof fleet.printers)[number]]
  await host.startAtPanel('mine.gcode', LONG)
  const over = new AbortController()
  let latest: HostReport | null = null
  const connection = await createDriverRegistry(connector)[kind].connect(
    { url, apiKey },
    { signal: over.signal, onEvent: (event) => (latest = event.type === 'report' ? event.report : latest) },
  )
  await expect.poll(() => latest?.state, { timeout: 10_000 }).toBe('printing')
  let frozenMs = 0
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + frozenMs }
  const lease = { printerId: 'prn', owner: 'ins', epoch: 1 }
  const session = new PrinterSession(lease, connection, over.signal, {} as HostReport, clock)
  const asked: string[] = []
  host.gate = async (call, next) => {
    const answer = await next(call)
    asked.push(`${call.method} ${call.path}`)
    frozenMs = 60_000
    return answer
  }
  return {
    ...{ connection, session, asked, machine },
    [Symbol.asyncDispose]: async () => {
      await connection.close()
      await connector.close()
      await fleet.stop()
    },
  }
}

const isOrder = (call: string) => call.startsWith('POST') || call.startsWith('printer.print.')

describe.each(['octoprint', 'moonraker'] as const)('a process that is frozen between two requests to %s', (kind) => {
  it.each(['pause', 'cancel'] as const)('does not send the order to %s when it goes on', async (order) => {
    await using rig = await open(kind)
    const { connection, session, asked } = rig
    await expect(connection[order]('mine.gcode', session.deadline(DEADLINE_MS))).rejects.toThrow()
    expect(asked.length).toBeGreaterThan(0)
    expect(asked.filter(isOrder)).toEqual([])
    expect(rig.machine.counts.cancelled).toBe(0)
  })
})
