import { call, RefusedError, type Visitor } from './api.js'

export interface Numbers {
  /** Processor time of the process since its start. */
  cpuSeconds: number
  rssBytes: number
  startedAt: number
  /** Operations of the database client and the time they took; null from a server that does not time them. */
  queries: { count: number; seconds: number } | null
}

const QUERY = 'gantry_database_operation_duration_seconds'

/** What `/metrics` tells of the process. @throws Error when the text holds no such numbers */
export const numbersIn = (metrics: string): Numbers => {
  const read = (name: string): number | null => {
    const lines = metrics.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)`, 'gm'))
    const values = [...lines].map(([, value]) => Number(value))
    return values.length === 0 ? null : values.reduce((total, value) => total + value, 0)
  }
  const [cpuSeconds, rssBytes] = [read('process_cpu_seconds_total'), read('process_resident_memory_bytes')]
  const startedAt = read('process_start_time_seconds')
  if (cpuSeconds === null || rssBytes === null || startedAt === null)
    throw new Error('/metrics tells nothing of the process.')
  const [count, seconds] = [read(`${QUERY}_count`), read(`${QUERY}_sum`)]
  return { cpuSeconds, rssBytes, startedAt, queries: count === null || seconds === null ? null : { count, seconds } }
}

/** Null for whom the server tells no numbers: `/metrics` is for admins, and may be turned off. */
export const readNumbers = async (url: string, { token }: Visitor): Promise<Numbers | null> => {
  try {
    return numbersIn(await call(url, token, 'GET', '/metrics'))
  } catch (error) {
    if (error instanceof RefusedError && [401, 403, 404].includes(error.status)) return null
    throw error
  }
}
