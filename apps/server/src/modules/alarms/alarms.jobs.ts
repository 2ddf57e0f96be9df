import { z } from 'zod'

import { defineJob } from '../../kernel/index.js'

/** An alarm was raised: whoever wants to hear of it is told. */
export const alarmNotice = defineJob({
  type: 'ALARM_NOTICE',
  version: 1,
  payload: z.strictObject({ alarmId: z.string() }),
  attempts: 8,
  backoff: { type: 'exponential', delay: 2_000 },
  timeoutMs: 15_000,
})
