import { DriverError } from '../../modules/printers/printer-driver.port.js'
import { isGatewayStatus } from '../driver-error-of.js'
import { errorMessage, versionMessage } from './wire.js'

/** An answer as far as it tells who is speaking. `json` is undefined where the body is none. */
export interface VersionAnswer {
  status: number
  json: unknown
  authenticate: string | null
}

const notRecognised = (message: string, httpStatus: number) =>
  new DriverError('not_recognised', message, { httpStatus })

const refused = ({ status, json, authenticate }: VersionAnswer): DriverError => {
  if (isGatewayStatus(status)) {
    return new DriverError('unreachable', `a proxy answered ${status}: the host behind it is down or still starting`, {
      httpStatus: status,
    })
  }
  // PrusaLink is the one with digest authentication at this path.
  const isPrusaLink = authenticate !== null && /^digest/i.test(authenticate)
  const denial = errorMessage.safeParse(json)
  if ((status === 401 && !isPrusaLink) || (status === 403 && denial.success)) {
    return new DriverError('auth', 'the host refused the API key', { httpStatus: status })
  }
  return notRecognised(`this is no OctoPrint: it answered ${status} to /api/version`, status)
}

/**
 * Reads the product out of the answer to `GET /api/version`. PrusaLink and Moonraker speak parts of OctoPrint's API
 * and must not be taken for it.
 * @throws DriverError `not_recognised`, `auth`, `unreachable`
 */
export const productOf = (answer: VersionAnswer): string => {
  if (answer.status !== 200) throw refused(answer)
  const version = versionMessage.safeParse(answer.json)
  if (!version.success) throw notRecognised('this is no OctoPrint: it does not tell its version', answer.status)
  const product = version.data.text.slice(0, 100)
  if (!product.startsWith('OctoPrint ') || product.startsWith('OctoPrint (')) {
    throw notRecognised(`this is no OctoPrint but says that it is ${JSON.stringify(product)}`, answer.status)
  }
  return product
}
