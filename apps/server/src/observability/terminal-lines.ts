import type { DestinationStream } from 'pino'
import pretty from 'pino-pretty'

type Line = Readonly<Record<string, unknown>>

/** Said by the line itself, or of no use to somebody who watches. */
const LEFT_OUT = new Set([
  ...['level', 'timestamp', 'msg', 'pid', 'hostname', 'err'],
  ...['ip', 'userAgent', 'userRole', 'sessionId', 'apiKeyId', 'traceId', 'method', 'url', 'procedure', 'requestId'],
])
const OF_A_REQUEST = new Set(['status', 'durationMs', 'procedures', 'errorCodes', 'bytesIn', 'bytesOut', 'userId'])

const worded = (value: unknown): string => {
  if (typeof value === 'string') return /[\s=]/.test(value) ? JSON.stringify(value) : value
  if (Array.isArray(value)) return value.map(worded).join(',')
  return JSON.stringify(value)
}

const fieldsOf = (line: Line, hidden: (name: string) => boolean): string[] =>
  Object.entries(line).flatMap(([name, value]) =>
    value === null || value === undefined || LEFT_OUT.has(name) || hidden(name) ? [] : [`${name}=${worded(value)}`],
  )

const listed = (value: unknown): string[] => (Array.isArray(value) ? [value.join(', ')] : [])

/** Such as `GET /api/printers 200 5.6 ms printers.list`. */
const requestOf = (line: Line): string => {
  const { method, url, status, durationMs, procedures, errorCodes } = line
  const said = [method ?? '–', url ?? '–', status, durationMs ?? 0].map(worded).concat('ms')
  return [...said, ...listed(procedures), ...listed(errorCodes)].join(' ')
}

const failureOf = (line: Line): string => {
  const { err, level } = line
  if (typeof err !== 'object' || err === null) return ''
  const { message, stack } = err as { message?: unknown; stack?: unknown }
  const isGrave = level === 'error' || level === 'warn'
  const told = isGrave && typeof stack === 'string' ? stack : message
  return typeof told === 'string' ? `\n    ${told.replaceAll('\n', '\n    ')}` : ''
}

/** One line for whoever watches the server in a terminal; JSON has all of it. */
export const terminalMessage = (line: Line): string => {
  const isRequest = line['msg'] === 'request'
  const head = isRequest ? requestOf(line) : String(line['msg'])
  const fields = fieldsOf(line, (name) => isRequest && OF_A_REQUEST.has(name))
  const request = typeof line['requestId'] === 'string' ? [`req=${line['requestId']}`] : []
  return [head, ...fields, ...request].join('  ') + failureOf(line)
}

/** Coloured lines on stdout. */
export const terminalLines = (): DestinationStream =>
  pretty({
    colorize: true,
    timestampKey: 'timestamp',
    translateTime: 'SYS:HH:MM:ss.l',
    hideObject: true,
    messageFormat: (line) => terminalMessage(line),
  })
