export type LineLevel = 'debug' | 'info' | 'warn' | 'error'

/** Structured logging: fields first, then a constant sentence. */
export interface Logger {
  /** Whether such lines are written now, for whoever would do work for one. */
  isEnabled(level: LineLevel): boolean
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(fields: Record<string, unknown>): Logger
}
