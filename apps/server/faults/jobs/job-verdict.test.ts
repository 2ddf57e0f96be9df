import { expect, it } from 'vitest'

import { JOB_COUNTS, judgeJobs, type JobCountName, type JobFacts } from './job-verdict.js'

const lawful = (): JobFacts => ({
  orders: [
    { n: 0, jobId: 'ob_0' },
    { n: 1, jobId: 'ob_1' },
  ],
  effects: [
    { n: 1, jobId: 'ob_1' },
    { n: 0, jobId: 'ob_0' },
  ],
  rows: [
    { id: 'ob_0', state: 'done', lastError: null },
    { id: 'ob_1', state: 'done', lastError: null },
  ],
  recoveries: [29_000],
  deaths: [],
})

const broken: Record<JobCountName, Partial<JobFacts>> = {
  'jobs lost': { effects: [{ n: 0, jobId: 'ob_0' }] },
  'effects doubled': { effects: [...lawful().effects, { n: 1, jobId: 'ob_1' }] },
  'effects that nobody ordered': { effects: [...lawful().effects, { n: 2, jobId: 'ob_2' }] },
  'jobs not closed': { rows: [...lawful().rows, { id: 'ob_2', state: 'relayed', lastError: null }] },
  'recoveries too slow': { recoveries: [31_000] },
  'workers that ended by themselves': { deaths: ['worker-1 ended with code 1'] },
}

const foundIn = (facts: JobFacts) => {
  const { counts } = judgeJobs(facts)
  return JOB_COUNTS.filter((count) => counts[count] > 0)
}

it('jobs that each had one effect, however they came to it, pass', () => {
  expect(foundIn(lawful())).toEqual([])
})

it.each(JOB_COUNTS)('sees alone: %s', (count) => {
  expect(foundIn({ ...lawful(), ...broken[count] })).toEqual([count])
})

it('an order whose row is gone is lost, though its effect was seen', () => {
  expect(foundIn({ ...lawful(), rows: lawful().rows.slice(1) })).toEqual(['jobs lost'])
})
