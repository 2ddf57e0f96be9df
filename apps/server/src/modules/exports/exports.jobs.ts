import { exportFormat, exportKind, idOf } from '@gantry/schemas'
import { z } from 'zod'

import { defineJob } from '../../kernel/index.js'

/** What older producers send; there is no export yet, the job makes it. */
const earlierOrder = z.object({
  userId: z.string(),
  exportType: exportKind.extract(['projects', 'analytics', 'full']),
  format: exportFormat,
})

/** Writes an export that was ordered. */
export const dataExportJob = defineJob({
  type: 'DATA_EXPORT',
  version: 2,
  payload: z.union([
    z.strictObject({ exportId: idOf('export') }),
    z.strictObject({
      order: z.strictObject({ userId: z.string().max(100), kind: exportKind, format: exportFormat }),
    }),
  ]),
  earlier: {
    1: (payload) => {
      const { success, data } = earlierOrder.safeParse(payload)
      return success ? { order: { userId: data.userId, kind: data.exportType, format: data.format } } : payload
    },
  },
  attempts: 3,
  backoff: { type: 'exponential', delay: 5_000 },
  timeoutMs: 30 * 60_000,
  concurrency: 2,
})
