import { ERROR_TABLE, type GantryError } from '../kernel/errors.js'
import type { Logger } from '../kernel/logger.port.js'

/** Writes an error as loudly as its table entry says. What a user did wrong stands in the request's line already. */
export const logError = (log: Logger, error: GantryError, fields: Record<string, unknown>): void => {
  const level = ERROR_TABLE[error.code].logLevel
  if (level === 'warn' || level === 'error') log[level]({ ...fields, code: error.code, err: error }, 'call failed')
  else log.debug({ ...fields, code: error.code, err: error }, 'call refused')
}
