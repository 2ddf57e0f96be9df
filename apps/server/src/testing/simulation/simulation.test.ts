import fc from 'fast-check'
import { describe, expect, inject, it } from 'vitest'

import { plans } from './plan.js'
import { search } from './search.js'
import { Simulation } from './simulation.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** How many rooms the simulation tries, from which seed, and which one alone; see docs/adr/0012. */
    simulation: { runs: number; seed: number; path: string | null }
  }
}

/** On a machine with much else to do; a longer search takes as long as it takes. */
const LIMIT_MS = 120_000
const LIMIT_PER_RUN_MS = 1_000

const { runs, seed, path } = inject('simulation')

describe('printing safely, whatever dies', () => {
  it(
    'starts no copy twice and nothing on an occupied bed, loses no copy, and comes to an end',
    { timeout: Math.max(LIMIT_MS, runs * LIMIT_PER_RUN_MS) },
    async () => {
      const report = await search({ runs, seed, ...(path === null ? {} : { path }) })
      if (report !== null) expect.fail(report)
    },
  )

  it('happens again in the same way from the same seed', async () => {
    const told: string[] = []
    const tell = fc.asyncProperty(fc.scheduler(), plans, async (scheduler, plan) => {
      const simulation = new Simulation(plan, scheduler)
      await simulation.run()
      told.push(simulation.world.trace.join('\n').replaceAll(/-[a-z0-9]{10}\.gcode/g, ''))
    })
    await fc.assert(tell, { numRuns: 5, seed })
    await fc.assert(tell, { numRuns: 5, seed })
    expect(told).toHaveLength(10)
    expect(told.slice(5)).toEqual(told.slice(0, 5))
  })
})
