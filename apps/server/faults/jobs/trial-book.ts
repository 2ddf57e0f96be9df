import type { Prisma } from '../../src/db/generated/client.js'

/** The trial's own tables. None of them keeps anything from being there twice: that is what is counted. */
export const TRIAL_TABLES = `
  CREATE TABLE trial_order (n int PRIMARY KEY, job_id text NOT NULL);
  CREATE TABLE trial_effect (n int NOT NULL, job_id text NOT NULL, pid int NOT NULL);
  CREATE TABLE trial_run (id bigint GENERATED ALWAYS AS IDENTITY, job_id text NOT NULL, pid int NOT NULL,
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(), ended_at timestamptz)`

/** Writes down what was ordered, what was begun and what was done. */
export class TrialBook {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  /** @returns which of the numbers nobody has ordered before */
  async notOrdered(numbers: readonly number[]): Promise<number[]> {
    const rows = await this.tx.$queryRaw<{ n: number }[]>`
      select n from unnest(${[...numbers]}::int[]) as n where not exists (select from trial_order o where o.n = n.n)`
    return rows.map(({ n }) => n)
  }

  async ordered(n: number, jobId: string): Promise<void> {
    await this.tx.$executeRaw`insert into trial_order (n, job_id) values (${n}, ${jobId})`
  }

  async done(n: number, jobId: string): Promise<void> {
    await this.tx.$executeRaw`insert into trial_effect (n, job_id, pid) values (${n}, ${jobId}, ${process.pid})`
  }

  /** @returns the run's number, and how many of this job began before it */
  async began(jobId: string): Promise<{ id: bigint; before: number }> {
    const [run] = await this.tx.$queryRaw<{ id: bigint; before: number }[]>`
      insert into trial_run (job_id, pid) values (${jobId}, ${process.pid})
      returning id, (select count(*)::int from trial_run where job_id = ${jobId}) as before`
    if (run === undefined) throw new Error('the run was not written down')
    return run
  }

  async ended(id: bigint): Promise<void> {
    await this.tx.$executeRaw`update trial_run set ended_at = clock_timestamp() where id = ${id}`
  }
}
