import { DriverError, type DriverErrorCode } from '../../modules/printers/printer-driver.port.js'
import { isGatewayStatus } from '../driver-error-of.js'
import { errorMessage } from './wire.js'

/** An answer with a body of JSON, or with none (`json` is undefined). */
export interface Answer {
  status: number
  json: unknown
}

/** The host's own words for a refusal; null when the answer is not one that OctoPrint gives. */
export const refusalText = ({ json }: Answer): string | null => {
  const parsed = errorMessage.safeParse(json)
  return parsed.success ? parsed.data.error : null
}

const codeFor = (status: number, text: string): DriverErrorCode => {
  if (isGatewayStatus(status)) return 'unreachable'
  if (status === 401 || status === 403 || (status === 400 && text.includes('CSRF'))) return 'auth'
  if (status === 404) return 'not_found'
  if (status === 409) return /not operational|not connected/i.test(text) ? 'not_connected' : 'busy'
  if (status === 413) return 'too_large'
  if (status === 415) return 'bad_file'
  if (status === 507 || /no space|disk (is )?full|insufficient.*space/i.test(text)) return 'storage_full'
  return status >= 400 && status < 500 ? 'rejected' : 'protocol'
}

/** What an answer that is no success means. */
export const errorOf = (answer: Answer): DriverError => {
  const text = refusalText(answer)
  // A status without OctoPrint's own body may come from anything in between.
  const known = text !== null || answer.status === 401 || answer.status === 413 || isGatewayStatus(answer.status)
  const code = known ? codeFor(answer.status, text ?? '') : 'protocol'
  return new DriverError(code, text ?? `the host answered ${answer.status}`, { httpStatus: answer.status })
}

/** The same for an upload, where 409 is about the file's name. */
export const uploadErrorOf = (answer: Answer): DriverError => {
  const error = errorOf(answer)
  if (answer.status === 409 && error.code === 'busy') {
    return new DriverError('conflict_file', error.message, { httpStatus: 409 })
  }
  return error.code === 'rejected' ? new DriverError('bad_file', error.message, { httpStatus: answer.status }) : error
}
