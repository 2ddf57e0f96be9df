import { describe, expect, it } from 'vitest'

import type { DriverConnection } from '../../modules/printers/printer-driver.port.js'
import type { Sabotage } from './instance.js'
import { plansOf, type Trouble } from './plan.js'
import type { SimulatedRepositories } from './repositories.js'
import { search } from './search.js'

/** A connection of which some members are others. */
const connection = (changed: Partial<DriverConnection>): Sabotage => ({
  connection: (real) =>
    new Proxy(real, {
      get: (target, key) => {
        const value: unknown = Reflect.get(key in changed ? changed : target, key)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    }),
})

const repositories = (change: (real: SimulatedRepositories) => Partial<SimulatedRepositories>): Sabotage => ({
  repositories: (real) => ({ ...real, ...change(real) }),
})

interface Case {
  what: string
  sabotage: Sabotage
  /** In rooms of this kind it shows soonest. */
  troubles: Trouble['kind'][]
  often: Parameters<typeof plansOf>[1]
  /** How the report begins. */
  found: RegExp
}

/** Asks so short that late starts cross the taking back of their attempts. */
const HASTY = { askMs: 1_000, confirmMs: 1_000 }
const TWICE = /was given back, and started|occupied bed|^started \d times/

const CASES: Case[] = [
  {
    what: 'gives a copy back without deleting its file',
    sabotage: { ...connection({ revoke: () => Promise.resolve('deleted') }), conductTimings: HASTY },
    ...{ troubles: [], often: { lateStarts: 0.8 }, found: TWICE },
  },
  {
    what: 'reads the host twice in one moment after the delete',
    sabotage: { conductTimings: { ...HASTY, rereadMs: 1 } },
    ...{ troubles: [], often: { lateStarts: 0.8 }, found: TWICE },
  },
  {
    what: 'asks for no evidence',
    sabotage: connection({ evidence: () => Promise.resolve({ kind: 'none' }) }),
    ...{ troubles: ['kill'], often: {}, found: TWICE },
  },
  {
    what: 'takes an OctoPrint that restarted for one that never printed',
    sabotage: connection({ capabilities: new Set(['history']) }),
    ...{ troubles: ['hostPower'], often: {}, found: TWICE },
  },
  {
    what: 'moves attempts under a lease that it lost',
    sabotage: repositories(({ attempts }) => ({
      attempts: { ...attempts, isLeaseValid: () => Promise.resolve(true) },
    })),
    ...{ troubles: ['freeze'], often: {}, found: /^server-\d moves .* drives/ },
  },
  {
    what: 'leaves holds behind',
    sabotage: repositories(({ holds }) => ({ holds: { ...holds, release: () => Promise.resolve([]) } })),
    ...{ troubles: ['hostAway', 'kill'], often: { rate: 0.08 }, found: /holds about attempts that have ended/ },
  },
]

const ENOUGH_ROOMS = 150

describe('the simulation notices a server that', () => {
  it.each(CASES)('$what', { timeout: 120_000 }, async ({ sabotage, troubles, often, found }) => {
    const report = await search({ runs: ENOUGH_ROOMS, seed: 3, sabotage, among: plansOf(troubles, often) })
    expect(report).toMatch(found)
  })
})
