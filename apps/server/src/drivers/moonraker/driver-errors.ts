import { DriverError, type DriverErrorCode } from '../../modules/printers/printer-driver.port.js'
import type { NetError } from '../../net/net-error.js'
import { driverErrorOf } from '../driver-error-of.js'

import { RpcError } from './rpc-error.js'

/** Moonraker turns 404 and 401 into codes of JSON-RPC that mean other things as well; only the text tells. */
const METHOD_NOT_FOUND = -32601
const INVALID_PARAMS = -32602

/** Puts what went wrong between us and Moonraker into the port's words. An error of another kind is thrown on. */
export function toDriverError(error: unknown): DriverError {
  if (!(error instanceof RpcError)) return driverErrorOf(error)
  return new DriverError(codeOf(error), error.message, { cause: error })
}

function codeOf({ code, message }: RpcError): DriverErrorCode {
  if (code === INVALID_PARAMS) return /unauthorized|api key/i.test(message) ? 'auth' : 'rejected'
  if (code === METHOD_NOT_FOUND) return isUnknownMethod(message) ? 'unsupported' : 'not_found'
  if (code === 401) return 'auth'
  if (code === 503) return 'not_connected'
  if (/SD busy/i.test(message)) return 'busy'
  return /Unable to open file|does not exist/i.test(message) ? 'not_found' : 'rejected'
}

const isUnknownMethod = (message: string): boolean => message.startsWith('Method not found')

/** What a connection that ended means: no answer to a ping is no different from a broken line. */
export function toCloseReason(error: NetError | null): DriverError | null {
  if (error?.code === 'timeout') return new DriverError('unreachable', error.message, { cause: error })
  return error === null ? null : toDriverError(error)
}

/** Runs `work` and turns whatever it throws into a DriverError. */
export async function inDriverWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw toDriverError(error)
  }
}
