import type { PrinterKind } from '@gantry/schemas'

import type { PrinterDriver } from '../modules/printers/printer-driver.port.js'
import type { Connector } from '../net/connector.js'
import { MoonrakerDriver } from './moonraker/driver.js'
import { OctoPrintDriver } from './octoprint/driver.js'

export type DriverRegistry = Readonly<Record<PrinterKind, PrinterDriver>>

/** One driver per kind of printer host, all on the one guarded connector. */
export const createDriverRegistry = (connector: Connector): DriverRegistry => ({
  octoprint: new OctoPrintDriver(connector),
  moonraker: new MoonrakerDriver(connector),
})
