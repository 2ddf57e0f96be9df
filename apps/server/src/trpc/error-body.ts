import type { ErrorBody } from '@gantry/schemas'

import { ERROR_TABLE, type GantryError } from '../kernel/errors.js'

/** What a client is told of an error; an unknown error shows nothing but the request's id. */
export const errorBodyOf = (error: GantryError, requestId: string): ErrorBody => ({
  code: error.code,
  message: error.userText,
  params: error.code === 'INTERNAL' ? {} : { ...error.params },
  requestId,
  retryable: ERROR_TABLE[error.code].retryable,
  fields: error.fields === null ? null : { ...error.fields },
  retryAfterSeconds: error.retryAfterSeconds,
})
