import type { Event, Exception, StackParser } from '@sentry/core'

import type { ErrorReport } from '../../kernel/error-reporter.port.js'
import { GantryError } from '../../kernel/errors.js'
import { redact, redactText } from '../redact.js'

const MOST_CAUSES = 5
/** Longer values of tags are refused by the receiver. */
const LONGEST_TAG = 200
/** Fields that reports are searched by; the others stand below them. */
const TAGS = ['requestId', 'traceId', 'procedure', 'userRole', 'jobType', 'jobId', 'code'] as const

/** What was thrown in the first place, where the closed table has only put its `INTERNAL` around it. */
export const unwrapped = (error: unknown): unknown =>
  error instanceof GantryError && error.code === 'INTERNAL' && error.cause instanceof Error ? error.cause : error

const messageOf = (error: unknown): string => redactText(String(error instanceof Error ? error.message : error))

const exceptionOf = (error: unknown, parse: StackParser): Exception => {
  if (!(error instanceof Error)) return { type: `thrown ${typeof error}`, value: messageOf(error) }
  // The first line repeats the message.
  const frames = parse(redactText(error.stack ?? ''), 1)
  return {
    type: redactText(error.name),
    value: messageOf(error),
    ...(frames.length > 0 && { stacktrace: { frames } }),
  }
}

/** The innermost cause first, as receivers read it. */
const exceptionsOf = (error: unknown, parse: StackParser): Exception[] => {
  const chain = [exceptionOf(error, parse)]
  for (let at = error; at instanceof Error && at.cause !== undefined && chain.length < MOST_CAUSES; at = at.cause)
    chain.unshift(exceptionOf(at.cause, parse))
  return chain
}

const text = (value: unknown): string | undefined =>
  typeof value === 'string' || typeof value === 'number' ? String(value) : undefined

const tagsOf = (fields: Record<string, unknown>): Record<string, string> =>
  Object.fromEntries(
    TAGS.flatMap((name) => {
      const value = text(fields[name])
      return value === undefined ? [] : [[name, value.slice(0, LONGEST_TAG)]]
    }),
  )

/** A report in the form of Sentry's events, without secrets. */
export const eventOf = ({ error, message, fields, fatal = false }: ErrorReport, parse: StackParser): Event => {
  const { userId, sessionId, userRole, ip, url, method, userAgent, ...rest } = redact(fields) as Record<string, unknown>
  const agent = text(userAgent)
  const procedure = text(rest['procedure'])
  return {
    level: fatal ? 'fatal' : 'error',
    message: redactText(message),
    exception: { values: exceptionsOf(unwrapped(error), parse) },
    ...(procedure !== undefined && { transaction: procedure }),
    tags: tagsOf({ userRole, ...rest }),
    user: { id: text(userId), ip_address: text(ip), role: text(userRole), session: text(sessionId) },
    request: { url: text(url), method: text(method), ...(agent !== undefined && { headers: { 'User-Agent': agent } }) },
    extra: rest,
  }
}
