import type { Config } from '../config/config.js'
import { createDriverRegistry } from '../drivers/registry.js'
import { traced } from '../drivers/traced-driver.js'
import type { Lifecycle } from '../kernel/index.js'
import type { DriverRegistry } from '../modules/printers/printers.ports.js'
import { createConnector } from '../net/connector.js'

/** The drivers on one guarded connector, which lets them reach only the networks that the configuration names. */
export const openDrivers = (config: Config['printers'], lifecycle: Lifecycle): DriverRegistry => {
  const connector = createConnector(config)
  lifecycle.onStop('printer connections', () => connector.close())
  const drivers = createDriverRegistry(connector)
  return { driverFor: (kind) => traced(drivers[kind]) }
}
