import fc from 'fast-check'

import type { Sabotage } from './instance.js'
import { plans, type Plan } from './plan.js'
import { Simulation } from './simulation.js'

export interface Search {
  /** How many rooms are tried. */
  runs: number
  seed: number
  /** Goes to one room of an earlier search, as a report of it says. */
  path?: string
  sabotage?: Sabotage
  among?: fc.Arbitrary<Plan>
  /** Looks for the smallest plan that still fails; takes a while. */
  shrink?: boolean
}

const TOLD_LINES = 150

/** Tries many rooms. @returns null when every rule was kept, else a report of a room in which one was broken */
export const search = async ({ runs, seed, path, sabotage, among = plans, shrink = false }: Search) => {
  let trace: readonly string[] = []
  const keepsTheRules = fc.asyncProperty(fc.scheduler(), among, async (scheduler, plan) => {
    const simulation = new Simulation(plan, scheduler, sabotage)
    try {
      await simulation.run()
    } catch (error) {
      trace = simulation.world.trace
      throw error
    }
  })
  const found = await fc.check(keepsTheRules, {
    ...{ numRuns: runs, seed, endOnFailure: !shrink },
    ...(path === undefined ? {} : { path }),
  })
  if (!found.failed) return null
  const broken = found.errorInstance instanceof Error ? found.errorInstance.message : String(found.errorInstance)
  return [
    broken,
    `SIMULATION_SEED=${seed} SIMULATION_PATH=${found.counterexamplePath ?? ''} repeats it`,
    JSON.stringify(found.counterexample?.[1]),
    ...trace.slice(-TOLD_LINES),
  ].join('\n')
}
