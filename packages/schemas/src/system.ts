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
