import { z } from 'zod'

import { alarm } from './alarms.js'
import { idOf } from './ids.js'
import { attempt, printJob } from './print-jobs.js'
import { printerStatus } from './printers.js'
import { project } from './projects.js'

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

/** `projects.onChange`. The snapshot holds the newest; what only print jobs change of a project is told by those. */
export const projectEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('snapshot'), resync: z.boolean(), projects: z.array(project) }),
  z.object({ type: z.enum(['project.created', 'project.updated']), project }),
  z.object({ type: z.literal('project.deleted'), projectId: idOf('project') }),
])
export type ProjectEvent = z.infer<typeof projectEvent>
