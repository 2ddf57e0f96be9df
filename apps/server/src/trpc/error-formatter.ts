import type { TRPCDefaultErrorShape, TRPCError } from '@trpc/server'
import type { ErrorBody } from '@gantry/schemas'

import type { Context } from './context.js'
import { errorBodyOf } from './error-body.js'
import { gantryErrorOf } from './gantry-error-of.js'

/** What tRPC clients find in a failed answer: JSON-RPC's number, the user's text, and our {@link ErrorBody} as `data`. */
export interface ErrorShape {
  code: TRPCDefaultErrorShape['code']
  message: string
  data: ErrorBody
}

export interface FormatterOptions {
  error: TRPCError
  shape: TRPCDefaultErrorShape
  ctx: Context | undefined
}

export const formatError = ({ error, shape, ctx }: FormatterOptions): ErrorShape => {
  const data = errorBodyOf(gantryErrorOf(error), ctx?.requestId ?? '')
  return { code: shape.code, message: data.message, data }
}
