import type { JobRunCounts, JobRunStore } from '../kernel/job-runs.js'
import type { PrismaClient } from './generated/client.js'

/** The counts of runs by minute. */
export class PrismaJobRuns implements JobRunStore {
  constructor(private readonly prisma: PrismaClient) {}

  async add(counts: readonly JobRunCounts[]): Promise<void> {
    if (counts.length === 0) return
    // In one order everywhere: two processes that write at the same time wait for one another, and not in a circle.
    const rows = [...counts].sort((a, b) => a.queue.localeCompare(b.queue) || a.minute.getTime() - b.minute.getTime())
    await this.prisma.$executeRaw`
      insert into job_minute (queue, minute, completed, failed, dead, waited, took)
      select queue, minute, completed, failed, dead, waited, took
      from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) as t (
        queue text, minute timestamptz, completed int, failed int, dead int, waited int[], took int[])
      on conflict (queue, minute) do update set
        completed = job_minute.completed + excluded.completed,
        failed = job_minute.failed + excluded.failed,
        dead = job_minute.dead + excluded.dead,
        waited = (select array_agg(a + b order by n) from unnest(job_minute.waited, excluded.waited)
          with ordinality as t (a, b, n)),
        took = (select array_agg(a + b order by n) from unnest(job_minute.took, excluded.took)
          with ordinality as t (a, b, n))`
  }

  /** Removes counts that nobody looks at any more. @returns how many rows went */
  removeOlderThan(days: number): Promise<number> {
    return this.prisma.$executeRaw`delete from job_minute where minute < now() - make_interval(days => ${days}::int)`
  }
}
