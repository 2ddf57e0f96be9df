import { z } from 'zod'

export const systemInfo = z.object({
  version: z.string(),
  startedAt: z.date(),
  uptimeSeconds: z.number(),
  instanceId: z.string(),
  roles: z.array(z.string()),
  database: z.enum(['embedded', 'external']),
  timeZone: z.string(),
})
export type SystemInfo = z.infer<typeof systemInfo>

export const logLevel = z.enum(['debug', 'info', 'warn', 'error', 'silent'])
export type LogLevel = z.infer<typeof logLevel>

/** Which lines the server's instances log. */
export const logLevelState = z.object({
  level: logLevel,
  /** What `LOG_LEVEL` says. */
  configured: logLevel,
  /** When it goes back to that by itself; null: it has not been changed. */
  until: z.date().nullable(),
})
export type LogLevelState = z.infer<typeof logLevelState>

export const setLogLevelInput = z.strictObject({
  /** A log that says nothing cannot be wanted from afar. */
  level: logLevel.exclude(['silent']),
  minutes: z.int().min(1).max(120),
})
export type SetLogLevelInput = z.infer<typeof setLogLevelInput>
