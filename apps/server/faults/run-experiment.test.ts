import { expect, it } from 'vitest'

import { lawfulFacts } from './checker/testing/lawful-facts.js'
import { judge } from './checker/verdict.js'
import type { TrialReport } from './conduct-trial.js'
import type { Experiment } from './experiment.js'
import { resultOf } from './run-experiment.js'

const experiment: Experiment = {
  name: 'any',
  sentence: 'anything',
  farm: { instances: 1, octoprint: 1, moonraker: 1, speed: 1 },
  orders: { copies: 2, copiesPerJob: 2, print: { machineSeconds: 1 } },
  faults: { kills: 3 },
  run: () => Promise.resolve(),
}

const report = (change: Partial<TrialReport> = {}): TrialReport => ({
  ...{ struck: new Map([['kills', 3]]), invalid: [], copies: 2, starts: 2, verdict: judge(lawfulFacts()) },
  ...change,
})

const rogue = judge({
  ...lawfulFacts(),
  machine: { startsOnOccupiedBed: 1, gcodeWhilePrinting: 0, mismatchedStarts: 0 },
})

it('a run in which every fault struck and every count is zero passes', () => {
  expect(resultOf(experiment, report(), 1)).toMatchObject({ passed: true, invalid: [] })
})

it('a run whose faults did not strike as often as ordered fails, whatever the counts say', () => {
  const { passed, invalid } = resultOf(experiment, report({ struck: new Map([['kills', 2]]) }), 1)
  expect([passed, invalid]).toEqual([false, ['kills: 2 of 3, so the run says nothing']])
})

it('a run that broke off, or was not judged, fails', () => {
  expect(resultOf(experiment, report({ invalid: ['the copies did not end'] }), 1).passed).toBe(false)
  expect(resultOf(experiment, report({ verdict: null }), 1).passed).toBe(false)
})

it('a count above zero fails, and passes only where it must be found and nothing else is', () => {
  expect(resultOf(experiment, report({ verdict: rogue }), 1).passed).toBe(false)
  const test: Experiment = { ...experiment, mustFind: ['starts on an occupied bed'] }
  expect(resultOf(test, report({ verdict: rogue }), 1).passed).toBe(true)
  expect(resultOf(test, report(), 1).passed).toBe(false)
  const other: Experiment = { ...experiment, mustFind: ['g-code while printing'] }
  expect(resultOf(other, report({ verdict: rogue }), 1).passed).toBe(false)
})
