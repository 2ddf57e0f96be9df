import type { ErrorCode } from '@gantry/schemas'

import { GantryError } from '../../kernel/index.js'
import type { DriverError, DriverErrorCode } from './printer-driver.port.js'

const CODE_OF: Record<DriverErrorCode, ErrorCode> = {
  unreachable: 'PRINTER_UNREACHABLE',
  timeout: 'PRINTER_TIMEOUT',
  auth: 'PRINTER_AUTH_FAILED',
  not_recognised: 'PRINTER_NOT_RECOGNISED',
  not_connected: 'PRINTER_OFFLINE',
  busy: 'PRINTER_BUSY',
  not_found: 'PRINTER_REJECTED',
  conflict_file: 'PRINTER_REJECTED',
  storage_full: 'PRINTER_REJECTED',
  bad_file: 'PRINTER_REJECTED',
  too_large: 'PRINTER_REJECTED',
  unsupported: 'PRINTER_UNSUPPORTED',
  rejected: 'PRINTER_REJECTED',
  protocol: 'PRINTER_NOT_RECOGNISED',
  address_refused: 'PRINTER_ADDRESS_REFUSED',
  aborted: 'PRINTER_TIMEOUT',
}

/** What a client is told when a driver failed. */
export const fromDriverError = (error: DriverError): GantryError =>
  new GantryError(CODE_OF[error.code], { params: { detail: error.message }, cause: error })
