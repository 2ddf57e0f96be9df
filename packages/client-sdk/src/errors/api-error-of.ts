import { TRPCClientError } from '@trpc/client'

import type { AppRouter, ErrorBody } from '../generated/router.js'
import { badResponse, networkError } from './client-errors.js'
import { GantryApiError } from './gantry-api-error.js'

/** An answer that holds outcomes of several calls. */
const MULTI_STATUS = 207
/** tRPC's refusal of a query whose URL alone is longer than the limit. */
const TOO_LONG = 'Input is too big for a single dispatch'

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const numberOrNull = (value: unknown) => (typeof value === 'number' ? value : null)

/** The body of a failed answer, as far as it has the form of one. A newer server may send codes not yet known here. */
export const errorBodyIn = (value: unknown): ErrorBody | null => {
  if (!isRecord(value) || typeof value['code'] !== 'string' || typeof value['message'] !== 'string') return null
  return {
    code: value['code'] as ErrorBody['code'],
    message: value['message'],
    params: isRecord(value['params']) ? value['params'] : {},
    requestId: typeof value['requestId'] === 'string' ? value['requestId'] : '',
    retryable: value['retryable'] === true,
    fields: isRecord(value['fields']) ? (value['fields'] as ErrorBody['fields']) : null,
    retryAfterSeconds: numberOrNull(value['retryAfterSeconds']),
  }
}

const statusOf = ({ meta }: TRPCClientError<AppRouter>): number | null => {
  const response = meta?.['response']
  const status = isRecord(response) ? numberOrNull(response['status']) : null
  return status === MULTI_STATUS ? null : status
}

const ofTrpc = (error: TRPCClientError<AppRouter>): GantryApiError => {
  const cause: unknown = error.cause
  if (cause instanceof GantryApiError) return cause
  const body = errorBodyIn(error.data)
  if (body !== null) return new GantryApiError({ ...body, status: statusOf(error) })
  if (error.message === TOO_LONG) {
    return new GantryApiError({
      code: 'REQUEST_TOO_LARGE',
      message: 'The request is too large.',
      params: { what: 'url' },
    })
  }
  const status = statusOf(error)
  return status === null ? networkError(cause ?? error) : badResponse(status, cause ?? error)
}

/** Whatever was thrown below, as the client's one error. */
export const apiErrorOf = (thrown: unknown): GantryApiError => {
  if (thrown instanceof GantryApiError) return thrown
  if (thrown instanceof TRPCClientError) return ofTrpc(thrown as TRPCClientError<AppRouter>)
  return networkError(thrown)
}
