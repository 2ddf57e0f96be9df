import { ServerError } from './server-error.js'

/** Arguments of a call: JSON over WebSocket, strings (or a JSON body) over HTTP. */
export type Params = Readonly<Record<string, unknown>>

/**
 * Reads a text argument.
 * @throws {ServerError} 400 when it is missing and there is no fallback
 */
export function stringParam(params: Params, name: string, fallback?: string): string {
  const value = params[name] ?? fallback
  if (value === undefined) throw new ServerError(`No data for argument: ${name}`)
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw conversionError(name, 'str')
}

/**
 * Reads a number; HTTP sends numbers as text.
 * @throws {ServerError} 400 when it is no number
 */
export function numberParam(params: Params, name: string, fallback: number): number {
  const value = params[name] ?? fallback
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  if (typeof number === 'number' && Number.isFinite(number)) return number
  throw conversionError(name, 'float')
}

/** Reads a flag; HTTP sends `true` or `false` as text, and any other text is refused. */
export function booleanParam(params: Params, name: string, fallback: boolean): boolean {
  const value = params[name] ?? fallback
  if (typeof value === 'boolean') return value
  const text = typeof value === 'string' ? value.toLowerCase() : ''
  if (text === 'true' || text === 'false') return text === 'true'
  throw conversionError(name, 'bool')
}

/** A subscription: object name → wanted fields, or null for all of them. */
export type ObjectSelection = Readonly<Record<string, readonly string[] | null>>

/**
 * Reads the `objects` argument of query and subscribe.
 * @throws {ServerError} 400 "Invalid argument", which is Klipper's own answer to a wrong shape
 */
export function objectsParam(params: Params): ObjectSelection {
  const objects = params.objects
  if (!isRecord(objects)) throw new ServerError('Invalid argument')
  return Object.fromEntries(Object.entries(objects).map(([name, fields]) => [name, fieldList(fields)]))
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function fieldList(fields: unknown): readonly string[] | null {
  if (fields === null) return null
  if (Array.isArray(fields) && fields.every((field): field is string => typeof field === 'string')) return fields
  throw new ServerError('Invalid argument')
}

function conversionError(name: string, type: string): ServerError {
  return new ServerError(`Unable to convert argument [${name}] to ${type}`)
}
