import type {
  ConnectOptions,
  DriverConnection,
  DriverTarget,
  PrinterDriver,
} from '../../modules/printers/printer-driver.port.js'
import type { Connector } from '../../net/connector.js'
import { type ClientOptions, OctoPrintClient } from './client.js'
import { type ConnectionOptions, OctoPrintConnection } from './connection.js'
import { emergencyStop } from './orders.js'
import { OctoPrintSocket, type SocketOptions } from './socket.js'

export interface OctoPrintDriverOptions extends ClientOptions, SocketOptions, ConnectionOptions {}

/** The driver for OctoPrint 1.4 and later. The connector stays the caller's to close. */
export class OctoPrintDriver implements PrinterDriver {
  readonly kind = 'octoprint'

  constructor(
    private readonly connector: Connector,
    private readonly options: OctoPrintDriverOptions = {},
  ) {}

  async connect(target: DriverTarget, { signal, onEvent }: ConnectOptions): Promise<DriverConnection> {
    const client = new OctoPrintClient(this.connector, target, this.options)
    const identity = { product: await client.identify(signal), uniqueId: null }
    const connection = new OctoPrintConnection(identity, client, onEvent, signal, this.options)
    await connection.open(new OctoPrintSocket(this.connector, client, connection, this.options, signal))
    return connection
  }

  emergencyStop(target: DriverTarget, signal: AbortSignal): Promise<void> {
    return emergencyStop(new OctoPrintClient(this.connector, target, this.options), signal)
  }
}
