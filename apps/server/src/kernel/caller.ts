import { correlation } from './correlation.js'

/** Whoever makes a change by a call from outside, as the audit log names them. */
export interface Caller {
  /** Of a key, where one is used in its user's name. Null: not known before the call, such as at a login. */
  actorId: string | null
  ip: string
  userAgent: string | null
  requestId: string | null
  /** The procedure, or the method and path where there is none. */
  action: string
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

/** The call that this code runs for; null in jobs and in what the server does of itself. */
export const callerNow = (): Caller | null => {
  const fields = correlation()?.fields
  // Known of requests alone: what a request ordered goes on with its id, and without its address.
  const ip = textOf(fields?.['ip'])
  if (fields === undefined || ip === null) return null
  return {
    actorId: textOf(fields['apiKeyId']) ?? textOf(fields['userId']),
    ip,
    userAgent: textOf(fields['userAgent']),
    requestId: textOf(fields['requestId']),
    action: textOf(fields['procedure']) ?? `${textOf(fields['method'])} ${textOf(fields['url'])}`,
  }
}
