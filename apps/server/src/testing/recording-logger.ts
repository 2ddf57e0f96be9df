import type { Logger } from '../kernel/logger.port.js'

export interface LogLine {
  level: 'debug' | 'info' | 'warn' | 'error'
  fields: object
  message: string
}

export interface RecordingLogger extends Logger {
  lines: LogLine[]
}

/** A logger that keeps its lines for assertions and prints nothing. Children write into the same list. */
export const recordingLogger = (lines: LogLine[] = [], inherited: object = {}): RecordingLogger => {
  const write = (level: LogLine['level']) => (fields: object, message: string) => {
    lines.push({ level, fields: { ...inherited, ...fields }, message })
  }
  return {
    lines,
    isEnabled: () => true,
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: (fields) => recordingLogger(lines, { ...inherited, ...fields }),
  }
}
