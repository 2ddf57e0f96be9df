import type { AlarmCode } from '@gantry/schemas'

const text = (params: Record<string, unknown>, key: string): string => {
  const value = params[key]
  return typeof value === 'string' || typeof value === 'number' ? String(value) : 'unknown'
}

const TEXTS: Record<AlarmCode, (params: Record<string, unknown>) => string> = {
  PRINTER_LOST: (params) => `The printer was lost while it printed (${text(params, 'detail')}).`,
  PRINTER_AUTH_FAILED: () => 'The printer host refuses the API key.',
  PRINTER_ERROR: (params) => `The printer needs service: ${text(params, 'detail')}.`,
  FOREIGN_PRINT: (params) =>
    params['over'] === true
      ? `“${text(params, 'fileName')}”, which Gantry did not order, was printed while it did not look; the bed is not clear.`
      : `The printer prints “${text(params, 'fileName')}”, which Gantry did not order.`,
  ATTEMPT_UNKNOWN: () => 'It is not known what became of a print; a person must look at the printer.',
  HEATER_ON_IDLE: (params) => `Heaters are on although nothing is printed: ${text(params, 'detail')}.`,
  BED_NOT_CLEARED: (params) => `The bed has not been cleared since ${text(params, 'sinceIso')}.`,
  OUTBOX_STUCK: (params) =>
    `Background jobs are stuck: ${text(params, 'late')} are late, ${text(params, 'dead')} were given up.`,
  PRINT_FAILED: (params) => `A print failed (${text(params, 'detail')}).`,
}

/** The English sentence for an alarm; derived, never stored. */
export const alarmText = (code: AlarmCode, params: Record<string, unknown>): string => TEXTS[code](params)
