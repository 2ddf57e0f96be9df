import type { PrinterKind } from '@gantry/schemas'

import { GantryError } from '../../kernel/index.js'
import { fromDriverError } from './driver-failure.js'
import { DriverError, type DriverTarget } from './printer-driver.port.js'
import type { DriverRegistry } from './printers.ports.js'

const CHECK_MS = 10_000

/** Which input was wrong, by what the host answered. */
const FIELD_OF: Partial<Record<DriverError['code'], 'url' | 'apiKey'>> = {
  auth: 'apiKey',
  unreachable: 'url',
  timeout: 'url',
  not_recognised: 'url',
  protocol: 'url',
  address_refused: 'url',
}

/**
 * Connects once to a printer host, as its supervisor will, and hangs up.
 * @throws GantryError `PRINTER_…` that names the field `url` or `apiKey`
 */
export const checkHost = async (drivers: DriverRegistry, kind: PrinterKind, target: DriverTarget): Promise<void> => {
  const abort = new AbortController()
  const timer = setTimeout(
    () => abort.abort(new DriverError('timeout', 'the printer host did not answer in time')),
    CHECK_MS,
  )
  try {
    const connection = await drivers.driverFor(kind).connect(target, { signal: abort.signal, onEvent: () => undefined })
    await connection.close()
  } catch (error) {
    if (!(error instanceof DriverError)) throw error
    const failure = abort.signal.aborted ? new DriverError('timeout', 'the printer host did not answer in time') : error
    const { code, params } = fromDriverError(failure)
    const field = FIELD_OF[failure.code]
    throw new GantryError(code, {
      params,
      ...(field === undefined ? {} : { fields: { [field]: [failure.message] } }),
      cause: error,
    })
  } finally {
    clearTimeout(timer)
  }
}
