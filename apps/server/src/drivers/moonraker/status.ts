import {
  displayStatus,
  idleTimeout,
  pauseResume,
  printStats,
  virtualSdcard,
  webhooks,
  type PrinterStatus,
} from './wire.js'

/** Puts a delta over a status, field by field. Objects that were never asked for are dropped. */
export function mergeStatus(status: PrinterStatus, delta: PrinterStatus): PrinterStatus {
  const merged = { ...status }
  for (const [name, fields] of Object.entries(delta)) {
    if (Object.hasOwn(status, name)) merged[name] = { ...status[name], ...fields }
  }
  return merged
}

const own = (status: PrinterStatus, name: string) => (Object.hasOwn(status, name) ? status[name] : {})

/** The objects that tell what the printer does, each complete, with null for what is not known. */
export function readStatus(status: PrinterStatus) {
  return {
    webhooks: webhooks.parse(own(status, 'webhooks')),
    printStats: printStats.parse(own(status, 'print_stats')),
    virtualSdcard: virtualSdcard.parse(own(status, 'virtual_sdcard')),
    displayStatus: displayStatus.parse(own(status, 'display_status')),
    pauseResume: pauseResume.parse(own(status, 'pause_resume')),
    idleTimeout: idleTimeout.parse(own(status, 'idle_timeout')),
  }
}
export type PrinterView = ReturnType<typeof readStatus>

/** The objects that {@link readStatus} reads; null asks for all fields. */
export const JOB_OBJECTS: Record<string, string[] | null> = {
  webhooks: null,
  print_stats: null,
  virtual_sdcard: ['progress', 'is_active'],
  display_status: ['progress'],
  pause_resume: ['is_paused'],
  idle_timeout: ['state'],
}
