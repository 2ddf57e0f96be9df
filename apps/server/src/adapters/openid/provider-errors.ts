import { AuthorizationResponseError, ClientError, ResponseBodyError } from 'openid-client'

import { GantryError } from '../../kernel/index.js'
import { NetError } from '../../net/net-error.js'

/** As the standards write codes of errors; anything else is not repeated. */
const CODE = /^[A-Za-z_]{1,60}$/

const DENIED = ['access_denied', 'login_required', 'consent_required', 'interaction_required']
const TROUBLED = ['server_error', 'temporarily_unavailable']
/** The provider answered something, though not as one does. */
const NOT_ANSWERED = [
  'OAUTH_TIMEOUT',
  'OAUTH_ABORT',
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_HTTP_REQUEST_FORBIDDEN',
]

const shown = (code: string | undefined): string => (code !== undefined && CODE.test(code) ? code : 'no known code')

const netErrorIn = (error: unknown): NetError | null => {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if (at instanceof NetError) return at
  }
  return null
}

/** Nobody can sign on just now; logins with passwords go on. */
export const providerAway = (detail: string): GantryError =>
  new GantryError('UNAVAILABLE', {
    params: { reason: 'identity_provider' },
    detail: `the identity provider cannot be asked: ${detail}`,
    retryAfterSeconds: 5,
  })

const failed = (reason: 'denied' | 'invalid', detail: string) =>
  new GantryError('SIGN_ON_FAILED', { params: { reason }, detail: `the identity provider's answer: ${detail}` })

/**
 * What went wrong at the provider, in our words. The library's errors hold tokens, claims and codes: none of them is
 * handed on as a cause.
 */
export const discoveryError = (error: unknown): GantryError => {
  const net = netErrorIn(error)
  if (net !== null) return providerAway(net.message)
  return providerAway(
    `discovery failed, ${error instanceof ClientError ? shown(error.code) : 'it said nothing usable'}`,
  )
}

/** @see discoveryError */
export const grantError = (error: unknown): GantryError => {
  const net = netErrorIn(error)
  if (net !== null) return providerAway(net.message)
  if (error instanceof AuthorizationResponseError) return ofAnswer(shown(error.error))
  if (error instanceof ResponseBodyError) return ofTokenEndpoint(error)
  const code = error instanceof ClientError ? shown(error.code) : 'unexpected'
  return NOT_ANSWERED.includes(code) ? providerAway(code) : failed('invalid', code)
}

const ofAnswer = (code: string): GantryError => {
  if (DENIED.includes(code)) return failed('denied', code)
  return TROUBLED.includes(code) ? providerAway(code) : failed('invalid', code)
}

const ofTokenEndpoint = ({ status, error }: ResponseBodyError): GantryError => {
  const code = shown(error)
  // A code that is no good is whoever brought it; anything else is between this server and the provider.
  if (code === 'invalid_grant') return failed('invalid', code)
  return providerAway(`its token endpoint answered ${status}, ${code}`)
}
