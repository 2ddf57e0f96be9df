import { eventually } from '../../eventually.js'
import { onBothBackends, type JobTrial } from '../job-experiment.js'

const TAKEN_MS = 60_000

/** Jobs that ran elsewhere, while the process that had them first was blocked. */
const takenOver = async ({ workshop: { db } }: JobTrial): Promise<number> => {
  const [row] = await db.steadily<{ count: number }>(
    `SELECT count(DISTINCT first.job_id)::int AS count FROM trial_run first
     JOIN trial_run other ON other.job_id = first.job_id AND other.pid <> first.pid AND other.began_at > first.began_at
     JOIN outbox o ON o.id = first.job_id AND o.payload ->> 'way' = 'blocks'
     WHERE first.ended_at IS NULL OR other.began_at < first.ended_at`,
  )
  return row?.count ?? 0
}

export const blockedLoops = onBothBackends({
  name: 'jobs-blocked-loop',
  sentence: 'handlers block two of three processes for 17 s, longer than their jobs are theirs',
  workers: 3,
  jobs: 60,
  faults: { 'blocked loops': 2 },
  timeoutMs: 30_000,
  run: async (trial) => {
    const { orders, ordered, struck } = trial
    await orders.share(1, 2)
    const blocks = ordered('blocked loops')
    for (let count = 0; count < blocks; count += 1) {
      await orders.special('blocks')
    }
    await orders.rest()
    const taken = async () => (await takenOver(trial)) >= blocks
    await eventually('another process does what the blocked one had', taken, { withinMs: TAKEN_MS })
    struck('blocked loops', blocks)
    await eventually('blocked processes are back', async () => (await stillBlocked(trial)) === 0)
  },
})

const stillBlocked = async ({ workshop: { db } }: JobTrial): Promise<number> => {
  const [row] = await db.steadily<{ count: number }>(
    `SELECT count(*)::int AS count FROM trial_run r JOIN outbox o ON o.id = r.job_id
     WHERE o.payload ->> 'way' = 'blocks' AND r.ended_at IS NULL`,
  )
  return row?.count ?? 0
}
