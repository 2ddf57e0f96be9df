import { z } from 'zod'

import { defineJob } from '../../kernel/index.js'

/** Somebody ordered copies: every dispatcher looks at the queue. */
export const dispatchWake = defineJob({
  type: 'DISPATCH_WAKE',
  version: 1,
  payload: z.object({ jobId: z.string() }),
  attempts: 5,
  timeoutMs: 10_000,
})
