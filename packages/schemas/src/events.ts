import { z } from 'zod'

import { alarm } from './alarms.js'
import { attempt, printJob } from './print-jobs.js'
import { printerStatus } from './printers.js'

/**
 * What the live streams send. Every stream begins with a `snapshot`; `changed` items follow. A stream of stored
 * events resumes after the cursor that came with the last item; when that is too old, it begins again with a snapshot
 * whose `resync` is true.
 */
export const printerStatusEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('snapshot'), printers: z.array(printerStatus) }),
  z.object({ type: z.literal('changed'), printer: printerStatus }),
  z.object({ type: z.literal('removed'), printerId: z.string() }),
])
export type PrinterStatusEvent = z.infer<typeof printerStatusEvent>

export const printJobEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('snapshot'), resync: z.boolean(), jobs: z.array(printJob) }),
  z.object({ type: z.literal('changed'), job: printJob, attempt: attempt.nullable() }),
])
export type PrintJobEvent = z.infer<typeof printJobEvent>

export const alarmEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('snapshot'), resync: z.boolean(), alarms: z.array(alarm) }),
  z.object({ type: z.literal('changed'), alarm }),
])
export type AlarmEvent = z.infer<typeof alarmEvent>
