import { DriverError, type DriverErrorCode } from '../modules/printers/printer-driver.port.js'
import { NetError, type NetErrorCode } from '../net/net-error.js'

const CODES: Record<NetErrorCode, DriverErrorCode> = {
  address_refused: 'address_refused',
  bad_url: 'address_refused',
  unreachable: 'unreachable',
  timeout: 'timeout',
  aborted: 'aborted',
  too_large: 'protocol',
  protocol: 'protocol',
  not_json: 'protocol',
  source: 'aborted',
}

/** What a proxy says when the host behind it is down or still starting. */
const GATEWAY_STATUSES = new Set([502, 503, 504])

export const isGatewayStatus = (status: number | undefined): boolean =>
  status !== undefined && GATEWAY_STATUSES.has(status)

/** Puts what the network did into the port's words. An error of any other kind is a bug and is thrown on. */
export const driverErrorOf = (error: unknown): DriverError => {
  if (error instanceof DriverError) return error
  if (!(error instanceof NetError)) throw error
  const { httpStatus } = error.details
  const code = isGatewayStatus(httpStatus) ? 'unreachable' : CODES[error.code]
  return new DriverError(code, error.message, { ...(httpStatus === undefined ? {} : { httpStatus }), cause: error })
}
