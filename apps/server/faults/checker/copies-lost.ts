import { copyOf } from './copies.js'
import { times, type Check } from './check.js'
import type { CopyRow, Facts, JobRow } from './facts.js'

/** What was ordered is there, once; every copy has come to an end; and what counts as printed was printed. */
export const copiesLost: Check = {
  count: 'copies lost',
  violations: (facts) => [...ordersMissing(facts), ...countsOff(facts), ...neverPrinted(facts), ...notCounted(facts)],
}

const ordersMissing = ({ orders, jobs }: Facts): string[] => {
  const known = new Map(jobs.map((job) => [job.id, job]))
  const missing = orders.flatMap(({ jobId, copies }) =>
    times(Math.abs(copies - (known.get(jobId)?.copies ?? 0)), `job ${jobId} was ordered with ${copies} copies`),
  )
  const wanted = new Set(orders.map(({ jobId }) => jobId))
  const doubled = jobs.filter(({ id }) => !wanted.has(id)).map(({ id }) => `job ${id} was not ordered`)
  return [...missing, ...doubled]
}

const ENDED = ['done', 'failed', 'cancelled', 'held'] as const

const countsOff = ({ jobs, copies }: Facts): string[] => {
  const byJob = new Map<string, CopyRow[]>()
  for (const copy of copies) byJob.set(copy.jobId, [...(byJob.get(copy.jobId) ?? []), copy])
  return jobs.flatMap((job) => {
    const open = job.copies - job.done - job.failed - job.cancelled - job.held
    const rows = byJob.get(job.id) ?? []
    const off = [...ENDED, 'queued' as const, 'active' as const].filter((state) => rowsIn(rows, state) !== job[state])
    return [
      ...times(Math.abs(open), `job ${job.id}: ${describe(job)}`),
      ...off.map((state) => `job ${job.id} counts ${job[state]} ${state}, and has ${rowsIn(rows, state)} such copies`),
    ]
  })
}

const rowsIn = (rows: readonly CopyRow[], state: CopyRow['state']): number =>
  rows.filter((row) => row.state === state).length

const describe = ({ copies, ...job }: JobRow): string =>
  `of ${copies} copies ${ENDED.map((state) => `${job[state]} ${state}`).join(', ')}`

/** Copies that count as done, of which no machine has a finished print in its book. */
const neverPrinted = ({ starts, copies }: Facts): string[] => {
  const printed = new Set(starts.flatMap(({ name, outcome }) => (outcome === 'done' ? [copyOf(name)] : [])))
  return copies
    .filter(({ state, jobId, number }) => state === 'done' && !printed.has(keyOf(jobId, number)))
    .map(({ jobId, number }) => `copy ${number} of ${jobId} counts as done, and no printer has printed it`)
}

/** Finished prints that nobody counts: the plastic is there, and the copy is to be printed again. */
const notCounted = ({ starts, copies, attempts, decisions }: Facts): string[] => {
  const done = new Set(copies.filter(({ state }) => state === 'done').map(({ jobId, number }) => keyOf(jobId, number)))
  const known = new Map(attempts.map((attempt) => [attempt.remoteName, attempt]))
  return starts.flatMap(({ name, outcome, printer }) => {
    const attempt = known.get(name)
    if (outcome !== 'done' || attempt === undefined || done.has(copyOf(name) ?? '')) return []
    if (attempt.cancelRequested || decisions.saidNotPrinted.has(attempt.id)) return []
    return [`${printer} has printed ${name}, and its copy does not count as done`]
  })
}

const keyOf = (jobId: string, copyNumber: number): string =>
  `${jobId.replace(/[^a-z0-9]/g, '').slice(-8)}-${copyNumber}`
