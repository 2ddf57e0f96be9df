import { TRPCError, type TRPC_ERROR_CODE_KEY } from '@trpc/server'
import type { ErrorCode } from '@gantry/schemas'
import { ZodError, type core } from 'zod'

import { ERROR_TABLE, GantryError } from '../kernel/errors.js'

const MAX_FIELDS = 20

/** tRPC's own refusals; whatever is not listed is our fault and shown as such. */
const CODE_OF_TRPC: Partial<Record<TRPC_ERROR_CODE_KEY, ErrorCode>> = {
  NOT_FOUND: 'NOT_FOUND',
  METHOD_NOT_SUPPORTED: 'METHOD_NOT_ALLOWED',
  UNSUPPORTED_MEDIA_TYPE: 'UNSUPPORTED_MEDIA_TYPE',
  PAYLOAD_TOO_LARGE: 'REQUEST_TOO_LARGE',
  CLIENT_CLOSED_REQUEST: 'REQUEST_ABORTED',
}

const PARAMS_OF_TRPC: Partial<Record<ErrorCode, Readonly<Record<string, unknown>>>> = {
  NOT_FOUND: { resource: 'procedure' },
  UNSUPPORTED_MEDIA_TYPE: { expected: 'application/json' },
}

const fieldsOfIssue = (issue: core.$ZodIssue): [string, string][] => {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => [[...path, key].join('.'), 'is not a known field'])
  }
  return [[path.join('.') || 'input', issue.message]]
}

/** The input's faults by path; a fault of the whole input stands under `input`. */
export const inputError = (error: { issues: readonly core.$ZodIssue[] }, cause: unknown): GantryError => {
  const fields = new Map<string, string[]>()
  for (const [path, message] of error.issues.flatMap(fieldsOfIssue).slice(0, MAX_FIELDS)) {
    fields.set(path, [...(fields.get(path) ?? []), message])
  }
  const detail = [...fields].map(([path, messages]) => `${path}: ${messages.join(', ')}`).join('; ')
  return new GantryError('VALIDATION_FAILED', {
    params: { detail: detail.slice(0, 500) },
    fields: Object.fromEntries(fields),
    cause,
  })
}

const badRequest = (error: TRPCError): GantryError => {
  if (error.cause instanceof ZodError) return inputError(error.cause, error)
  const detail = error.cause instanceof SyntaxError ? 'it is not JSON' : error.message
  return new GantryError('VALIDATION_FAILED', { params: { detail }, cause: error })
}

/** Of whatever code. */
const isGantryError = (thrown: unknown): thrown is GantryError => thrown instanceof GantryError

const fromTrpc = (error: TRPCError): GantryError => {
  if (isGantryError(error.cause)) return error.cause
  if (error.code === 'BAD_REQUEST' || error.code === 'PARSE_ERROR') return badRequest(error)
  const code = CODE_OF_TRPC[error.code] ?? 'INTERNAL'
  return new GantryError(code, {
    params: PARAMS_OF_TRPC[code] ?? {},
    detail: error.message,
    cause: error.cause ?? error,
  })
}

/** Whatever was thrown, as an entry of the closed table; what is not known there becomes `INTERNAL`. */
export const gantryErrorOf = (thrown: unknown): GantryError => {
  if (isGantryError(thrown)) return thrown
  if (thrown instanceof TRPCError) return fromTrpc(thrown)
  const detail = thrown instanceof Error ? thrown.message : 'something other than an error was thrown'
  return new GantryError('INTERNAL', { detail, cause: thrown })
}

/** tRPC's error of the same meaning; `cause` is the `GantryError`, the message is the user's. */
export const trpcErrorOf = (thrown: unknown): TRPCError => {
  const error = gantryErrorOf(thrown)
  return new TRPCError({ code: ERROR_TABLE[error.code].transport, message: error.userText, cause: error })
}
