import { z } from 'zod'

import { systemClock, type Clock } from '../../kernel/clock.js'
import {
  DriverError,
  type ConnectOptions,
  type DriverConnection,
  type DriverTarget,
  type PrinterDriver,
} from '../../modules/printers/printer-driver.port.js'
import type { Connector } from '../../net/connector.js'
import { NetError } from '../../net/net-error.js'

import { MoonrakerConnection } from './connection.js'
import { toDriverError } from './driver-errors.js'
import { socketUrl } from './host-url.js'
import { RpcError } from './rpc-error.js'
import { MoonrakerSession } from './session.js'
import { RpcSocket } from './socket.js'
import { Uploader } from './uploader.js'
import { printerInfo, serverInfo, type ServerInfo } from './wire.js'

export interface MoonrakerDriverOptions {
  /** How often the host is pinged; it counts as gone when it does not answer for half as long. @default 10_000 */
  livenessMs?: number
  /** How long the host may take to answer. @default 10_000 */
  answerTimeoutMs?: number
  /** Between two reports that differ only in numbers. @default 1000 */
  reportIntervalMs?: number
  /** How often Klippy is looked for while it is away. @default 2000 */
  klippyPollMs?: number
  clock?: Clock
}

const DEFAULTS = { livenessMs: 10_000, answerTimeoutMs: 10_000, reportIntervalMs: 1000, klippyPollMs: 2000 }

/** How we introduce ourselves; Moonraker shows it to people. */
const CLIENT = { client_name: 'Gantry', version: '1', type: 'other', url: 'urn:gantry' }

/** The driver for Moonraker in front of Klipper. The connector stays the caller's to close. */
export class MoonrakerDriver implements PrinterDriver {
  readonly kind = 'moonraker'
  readonly #connector: Connector
  readonly #options: Required<MoonrakerDriverOptions>

  constructor(connector: Connector, options: MoonrakerDriverOptions = {}) {
    this.#connector = connector
    this.#options = { ...DEFAULTS, clock: systemClock, ...options }
  }

  async connect(target: DriverTarget, { signal, onEvent }: ConnectOptions): Promise<DriverConnection> {
    let session: MoonrakerSession | null = null
    const socket = await this.#open(target, signal, (method, params) => session?.notify(method, params))
    try {
      const info = await identify(socket, target, signal)
      const product = await productOf(socket, info, signal)
      session = new MoonrakerSession(socket, { ...this.#options, signal, onEvent })
      await session.start(info)
      const uploader = new Uploader(this.#connector, target)
      const identity = { product, uniqueId: null }
      return new MoonrakerConnection(identity, { socket, session, uploader, lifetime: signal })
    } catch (error) {
      socket.close()
      throw toDriverError(error)
    }
  }

  async emergencyStop(target: DriverTarget, signal: AbortSignal): Promise<void> {
    try {
      const socket = await this.#open(target, signal, () => undefined)
      try {
        await introduce(socket, target, signal)
        await socket.call('printer.emergency_stop', {}, z.unknown(), { signal })
      } finally {
        socket.close()
      }
    } catch (error) {
      throw toDriverError(error)
    }
  }

  async #open(
    target: DriverTarget,
    signal: AbortSignal,
    onNotification: (method: string, params: unknown) => void,
  ): Promise<RpcSocket> {
    const { livenessMs, answerTimeoutMs } = this.#options
    const peer = { url: socketUrl(target.url), apiKey: target.apiKey }
    const options = { ...peer, signal, livenessMs, answerTimeoutMs, onNotification }
    try {
      return await RpcSocket.open(this.#connector, options)
    } catch (error) {
      throw refusedHandshake(error)
    }
  }
}

async function introduce(socket: RpcSocket, target: DriverTarget, signal: AbortSignal): Promise<void> {
  const key = target.apiKey === null ? {} : { api_key: target.apiKey }
  await socket.call('server.connection.identify', { ...CLIENT, ...key }, z.unknown(), { signal })
}

/**
 * Introduces us, with the key, and asks who is there. An unauthorised WebSocket is opened like any other; only calls
 * are refused.
 */
async function identify(socket: RpcSocket, target: DriverTarget, signal: AbortSignal): Promise<ServerInfo> {
  try {
    await introduce(socket, target, signal)
    return await socket.call('server.info', {}, serverInfo, { signal })
  } catch (error) {
    const failure = toDriverError(error)
    const isOther = failure.code === 'protocol' || failure.code === 'unsupported'
    if (!isOther) throw failure
    throw new DriverError('not_recognised', 'what answers at this address is not Moonraker', { cause: error })
  }
}

async function productOf(socket: RpcSocket, info: ServerInfo, signal: AbortSignal): Promise<string> {
  const moonraker = `Moonraker ${info.moonraker_version}`
  if (info.klippy_connected !== true) return moonraker
  try {
    const { software_version: klipper } = await socket.call('printer.info', {}, printerInfo, { signal })
    return klipper === null ? moonraker : `${moonraker}, Klipper ${klipper}`
  } catch (error) {
    // Klippy went away in this moment; Moonraker is who it is all the same.
    if (error instanceof RpcError) return moonraker
    throw error
  }
}

function refusedHandshake(error: unknown): DriverError {
  const failure = toDriverError(error)
  if (!(error instanceof NetError) || failure.code !== 'protocol') return failure
  const status = error.details.httpStatus
  const details = { cause: error, ...(status === undefined ? {} : { httpStatus: status }) }
  if (status === 401 || status === 403) return new DriverError('auth', 'Moonraker refused the API key', details)
  return new DriverError('not_recognised', 'what answers at this address is not Moonraker', details)
}
