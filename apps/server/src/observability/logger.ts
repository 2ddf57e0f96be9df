import type { LogLevel } from '@gantry/schemas'
import pino, { type DestinationStream, type Logger as PinoLogger } from 'pino'

import { systemClock } from '../kernel/clock.js'
import { correlation, fieldsOf } from '../kernel/correlation.js'
import type { LineLevel, Logger } from '../kernel/logger.port.js'
import { LinesOfOneTurn } from './lines-of-one-turn.js'
import { LogLevels } from './log-levels.js'
import { redact, redactText } from './redact.js'
import { terminalLines } from './terminal-lines.js'

/** JSON lines without secrets, each with what is known of the request or job that it belongs to. Fields that are below the level cost nothing but the call. */
class RedactingLogger implements Logger {
  constructor(
    private readonly target: PinoLogger,
    private readonly levels: LogLevels,
  ) {}

  isEnabled(level: LineLevel): boolean {
    return this.levels.isEnabled(level)
  }

  debug(fields: object, message: string): void {
    this.write('debug', fields, message)
  }

  info(fields: object, message: string): void {
    this.write('info', fields, message)
  }

  warn(fields: object, message: string): void {
    this.write('warn', fields, message)
  }

  error(fields: object, message: string): void {
    this.write('error', fields, message)
  }

  child(fields: Record<string, unknown>): Logger {
    return new RedactingLogger(this.target.child(withoutReserved(redact(fields))), this.levels)
  }

  private write(level: LineLevel, fields: object, message: string): void {
    if (!this.levels.isEnabled(level)) return
    const current = correlation()
    const known = current === undefined ? fields : { ...fieldsOf(current), ...fields }
    this.target[level](withoutReserved(redact(known)), redactText(message))
  }
}

/** What stands in every line by itself: a second time it would be the one that parsers take. */
const RESERVED = ['level', 'timestamp', 'msg', 'pid', 'hostname']

const withoutReserved = <T extends object>(fields: T): T => {
  if (!RESERVED.some((name) => name in fields)) return fields
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [RESERVED.includes(name) ? `${name}_` : name, value as unknown]),
  ) as T
}

export interface LoggerOptions {
  /** Shared with whoever may change them. @default those of `level`, for good */
  levels?: LogLevels
  /** @default `info` */
  level?: LogLevel
  /** Where lines go. @default stdout: JSON, or coloured text when it is a terminal */
  destination?: DestinationStream
}

const terminalOrJson = (): DestinationStream =>
  process.stdout.isTTY ? terminalLines() : new LinesOfOneTurn(pino.destination({ dest: 1, sync: true }))

/** The same text for all lines of a millisecond. */
const isoTime = (): string => {
  const nowMs = Date.now()
  if (nowMs !== stamp.ms) stamp = { ms: nowMs, text: `,"timestamp":"${new Date(nowMs).toISOString()}"` }
  return stamp.text
}
let stamp = { ms: NaN, text: '' }

/** The kernel's logger on pino: JSON to stdout, redacted by key and by pattern. */
export const createLogger = ({
  level = 'info',
  levels = new LogLevels(level, systemClock),
  destination,
}: LoggerOptions): Logger =>
  new RedactingLogger(
    pino(
      {
        // Which lines come this far is decided before they are made.
        level: 'debug',
        timestamp: isoTime,
        formatters: { level: (label) => ({ level: label }) },
        // Errors arrive already turned into plain fields.
        serializers: { err: (value: unknown) => value },
      },
      destination ?? terminalOrJson(),
    ),
    levels,
  )
