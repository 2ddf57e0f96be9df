import { createFleet } from '@gantry/virtual-printers'
import { describe, expect, it } from 'vitest'

import { createConnector } from '../net/connector.js'
import { createDriverRegistry } from './registry.js'

const FORBIDDEN = '169.254.169.254'
const DEADLINE_MS = 10_000

/** A host whose name points elsewhere once it was looked up so many times, as whoever owns the name may have it. */
const open = async (kind: 'octoprint' | 'moonraker') => {
  const fleet = await createFleet({ [kind]: 1 })
  const [{ url, apiKey, host }] = fleet.printers as [(typeof fleet.printers)[number]]
  const named = new URL(url)
  named.hostname = 'printer.test'
  let left = 0
  const connector = createConnector(
    { allowedCidrs: [], allowLoopback: true },
    { lookupAll: () => Promise.resolve([{ address: left-- > 0 ? '127.0.0.1' : FORBIDDEN, family: 4 }]) },
  )
  const calls: string[] = []
  host.gate = (call, next) => {
    calls.push(call.path)
    return next(call)
  }
  return {
    ...{ driver: createDriverRegistry(connector)[kind], target: { url: named.href, apiKey }, calls },
    moveAfter: (lookups: number) => (left = lookups),
    [Symbol.asyncDispose]: async () => {
      await connector.close()
      await fleet.stop()
    },
  }
}

/** Each way to the host needs a connection of its own at least once. */
const CONNECTIONS = { octoprint: 2, moonraker: 1 }

describe.each(['octoprint', 'moonraker'] as const)('the name of a host of %s', (kind) => {
  it('is looked at again with every connection, and a new address is held to the policy', async () => {
    await using rig = await open(kind)
    const { driver, target, calls } = rig
    const refused = { code: 'address_refused', message: expect.stringContaining(FORBIDDEN) as string }
    const connectAfter = async (lookups: number) => {
      rig.moveAfter(lookups)
      const signal = AbortSignal.timeout(DEADLINE_MS)
      return driver.connect(target, { signal, onEvent: () => undefined })
    }

    for (let lookups = 0; lookups < CONNECTIONS[kind]; lookups += 1) {
      await expect(connectAfter(lookups)).rejects.toMatchObject(refused)
      if (lookups === 0) expect(calls).toEqual([])
    }
    const connection = await connectAfter(1_000)
    await connection.close()

    rig.moveAfter(0)
    const before = calls.length
    await expect(driver.emergencyStop(target, AbortSignal.timeout(DEADLINE_MS))).rejects.toMatchObject(refused)
    expect(calls).toHaveLength(before)
  })
})
