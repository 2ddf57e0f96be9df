import type {
  JobQueueRepository,
  JobScheduleRecord,
  JobScheduleRepository,
  PausedQueue,
} from '../kernel/job-control.port.js'
import type { Prisma } from './generated/client.js'

export class PrismaJobScheduleRepository implements JobScheduleRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  all(): Promise<JobScheduleRecord[]> {
    return this.tx.jobSchedule.findMany({ orderBy: { type: 'asc' } })
  }

  lockDue(types: readonly string[], now: Date): Promise<JobScheduleRecord[]> {
    return this.tx.$queryRaw`
      select type, times, next_at as "nextAt", last_at as "lastAt", last_job_id as "lastJobId", paused_at as "pausedAt",
        paused_by_id as "pausedById"
      from job_schedule where type = any(${[...types]}) and paused_at is null and next_at <= ${now}
      order by type for update skip locked`
  }

  async define({ type, times, nextAt }: { type: string; times: string; nextAt: Date }): Promise<void> {
    await this.tx.$executeRaw`
      insert into job_schedule (type, times, next_at) values (${type}, ${times}, ${nextAt})
      on conflict (type) do update set times = excluded.times, next_at = excluded.next_at
      where job_schedule.times <> excluded.times`
  }

  async moveOn(type: string, { nextAt, lastAt, jobId }: { nextAt: Date; lastAt: Date; jobId: string }): Promise<void> {
    await this.tx.jobSchedule.update({ where: { type }, data: { nextAt, lastAt, lastJobId: jobId } })
  }

  async setPaused(type: string, pause: { at: Date; byId: string } | { nextAt: Date }): Promise<boolean> {
    const { count } = await ('at' in pause
      ? this.tx.jobSchedule.updateMany({
          where: { type, pausedAt: null },
          data: { pausedAt: pause.at, pausedById: pause.byId },
        })
      : this.tx.jobSchedule.updateMany({
          where: { type, pausedAt: { not: null } },
          data: { pausedAt: null, pausedById: null, nextAt: pause.nextAt },
        }))
    return count === 1
  }
}

export class PrismaJobQueueRepository implements JobQueueRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async paused(): Promise<PausedQueue[]> {
    const rows = await this.tx.jobQueue.findMany({ where: { pausedAt: { not: null } }, orderBy: { name: 'asc' } })
    return rows.flatMap(({ name, pausedAt, pausedById }) => (pausedAt === null ? [] : [{ name, pausedAt, pausedById }]))
  }

  async setPaused(name: string, pause: { at: Date; byId: string } | null): Promise<boolean> {
    const changed = await this.tx.$executeRaw`
      insert into job_queue (name, paused_at, paused_by_id) values (${name}, ${pause?.at ?? null}, ${pause?.byId ?? null})
      on conflict (name) do update set paused_at = excluded.paused_at, paused_by_id = excluded.paused_by_id
      where (job_queue.paused_at is null) <> (excluded.paused_at is null)`
    return changed === 1
  }
}
