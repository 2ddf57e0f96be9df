/** A recurring job as its row has it. */
export interface JobScheduleRecord {
  type: string
  /** As the code said when `nextAt` was reckoned. */
  times: string
  nextAt: Date
  lastAt: Date | null
  lastJobId: string | null
  pausedAt: Date | null
  pausedById: string | null
}

/** When recurring jobs are due. */
export interface JobScheduleRepository {
  all(): Promise<JobScheduleRecord[]>
  /** Locks those of `types` that are due and not paused; another process passes them by until the transaction ends. */
  lockDue(types: readonly string[], now: Date): Promise<JobScheduleRecord[]>
  /** Makes the row, or moves it when its times changed. */
  define(schedule: { type: string; times: string; nextAt: Date }): Promise<void>
  moveOn(type: string, move: { nextAt: Date; lastAt: Date; jobId: string }): Promise<void>
  /** @returns false when there is no such schedule, or it was so before */
  setPaused(type: string, pause: { at: Date; byId: string } | { nextAt: Date }): Promise<boolean>
}

export interface PausedQueue {
  name: string
  pausedAt: Date
  pausedById: string | null
}

/** Which queues people have stopped. */
export interface JobQueueRepository {
  paused(): Promise<PausedQueue[]>
  /** @returns false when it was so before */
  setPaused(name: string, pause: { at: Date; byId: string } | null): Promise<boolean>
}

export interface JobControlRepositories {
  jobSchedules: JobScheduleRepository
  jobQueues: JobQueueRepository
}
