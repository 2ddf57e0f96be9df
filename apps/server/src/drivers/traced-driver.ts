import { inSpan } from '../kernel/correlation.js'
import type { DriverConnection, PrinterDriver } from '../modules/printers/printer-driver.port.js'

/** A connection whose calls are spans of whatever is traced when they are made. */
const tracedConnection = (kind: string, connection: DriverConnection): DriverConnection => {
  const call = <T>(name: string, run: () => Promise<T>): Promise<T> =>
    inSpan(`${kind} ${name}`, 'client', { 'gantry.driver': kind, 'peer.service': connection.identity.product }, run)
  return {
    get identity() {
      return connection.identity
    },
    get capabilities() {
      return connection.capabilities
    },
    closed: connection.closed,
    probePermissions: (...given) => call('probePermissions', () => connection.probePermissions(...given)),
    readReport: (...given) => call('readReport', () => connection.readReport(...given)),
    upload: (...given) => call('upload', () => connection.upload(...given)),
    start: (...given) => call('start', () => connection.start(...given)),
    pause: (...given) => call('pause', () => connection.pause(...given)),
    resume: (...given) => call('resume', () => connection.resume(...given)),
    cancel: (...given) => call('cancel', () => connection.cancel(...given)),
    emergencyStop: (...given) => call('emergencyStop', () => connection.emergencyStop(...given)),
    revoke: (...given) => call('revoke', () => connection.revoke(...given)),
    evidence: (...given) => call('evidence', () => connection.evidence(...given)),
    listFiles: (...given) => call('listFiles', () => connection.listFiles(...given)),
    history: (...given) => call('history', () => connection.history(...given)),
    setTemperature: (...given) => call('setTemperature', () => connection.setTemperature(...given)),
    close: () => connection.close(),
  }
}

/** A driver whose calls to the host are told to traces; costs nothing while nothing is traced. */
export const traced = (driver: PrinterDriver): PrinterDriver => ({
  kind: driver.kind,
  connect: async (...given) => tracedConnection(driver.kind, await driver.connect(...given)),
  emergencyStop: (...given) =>
    inSpan(`${driver.kind} emergencyStop`, 'client', { 'gantry.driver': driver.kind }, () =>
      driver.emergencyStop(...given),
    ),
})
