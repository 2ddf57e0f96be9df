import { z } from 'zod'

import { hostText } from '../host-values.js'

/**
 * What Moonraker sends, as far as we read it. Fields that are missing or of another type become null: a field that one
 * version lacks must not take the rest of the message with it.
 */
const lenient = <T>(schema: z.ZodType<T>) => schema.nullish().catch(null).default(null)

const text = lenient(hostText)
const number = lenient(z.number())
const flag = lenient(z.boolean())

/** JSON-RPC 2.0: a reply (`id` with `result` or `error`) or a notification (`method`). */
export const rpcMessage = z.object({
  id: lenient(z.number()),
  method: text,
  params: z.unknown().optional(),
  result: z.unknown().optional(),
  error: lenient(z.object({ code: z.number(), message: hostText })),
})

export const serverInfo = z.object({
  moonraker_version: hostText,
  klippy_connected: flag,
  klippy_state: text,
  components: lenient(z.array(z.string())),
})
export type ServerInfo = z.infer<typeof serverInfo>

export const printerInfo = z.object({ state_message: text, software_version: text })

export const objectList = z.object({ objects: z.array(z.string()).max(10_000) })

/** Printer objects by name, each with its fields. Several make a status when merged, newest last. */
export const printerStatus = z.record(z.string(), z.record(z.string(), z.unknown()).catch({}))
export type PrinterStatus = z.infer<typeof printerStatus>

export const statusReply = z.object({ status: printerStatus })
export const statusUpdate = z.tuple([printerStatus]).rest(z.unknown())

export const webhooks = z.object({ state: text, state_message: text })

export const printStats = z.object({
  state: text,
  filename: text,
  total_duration: number,
  print_duration: number,
  filament_used: number,
  message: text,
  info: lenient(z.object({ total_layer: number, current_layer: number })),
})
export type PrintStats = z.infer<typeof printStats>

export const virtualSdcard = z.object({ progress: number, is_active: flag })
export const displayStatus = z.object({ progress: number })
export const pauseResume = z.object({ is_paused: flag })
export const idleTimeout = z.object({ state: text })
export const temperature = z.object({ temperature: number, target: number })

export const historyJob = z.object({
  job_id: hostText,
  filename: hostText,
  status: text,
  start_time: number,
  end_time: number,
  print_duration: number,
  total_duration: number,
  filament_used: number,
})
export type HistoryJob = z.infer<typeof historyJob>

export const historyPage = z.object({ jobs: z.array(historyJob) })
export const historyChange = z.tuple([z.object({ action: z.string(), job: historyJob })]).rest(z.unknown())

export const fileList = z.array(z.object({ path: hostText, size: number, modified: number }))
export const directory = z.object({ files: z.array(z.object({ filename: z.string() })) })
export const deletedFile = z.object({ action: z.literal('delete_file'), item: z.object({ path: z.string() }) })

export const fileMetadata = z.object({ estimated_time: number, layer_count: number, print_start_time: number })
export type FileMetadata = z.infer<typeof fileMetadata>

export const uploadReply = z.object({ item: z.object({ path: z.string(), size: z.number() }) })
export const httpError = z.object({ error: z.object({ message: text, traceback: text }) })
