import { randomBytes } from 'node:crypto'

import type {
  DriverCapability,
  DriverConnection,
  DriverError,
  HistoryEntry,
  HostIdentity,
  HostReport,
  PermissionProbe,
  PrintEvidence,
  RemoteFile,
  RevokeAnswer,
  StartAnswer,
  UploadOptions,
  UploadSource,
} from '../../modules/printers/printer-driver.port.js'

import { inDriverWords } from './driver-errors.js'
import { evidenceOf, readHistory } from './evidence.js'
import { Files } from './files.js'
import { Orders } from './orders.js'
import type { MoonrakerSession } from './session.js'
import type { RpcSocket } from './socket.js'
import type { Uploader } from './uploader.js'

/** One connection to one Moonraker, already open and reporting. */
export class MoonrakerConnection implements DriverConnection {
  readonly #socket: RpcSocket
  readonly #session: MoonrakerSession
  readonly #orders: Orders
  readonly #files: Files

  constructor(
    readonly identity: HostIdentity,
    parts: { socket: RpcSocket; session: MoonrakerSession; uploader: Uploader; lifetime: AbortSignal },
  ) {
    this.#socket = parts.socket
    this.#session = parts.session
    this.#orders = new Orders(parts.socket, parts.session, parts.lifetime)
    this.#files = new Files(parts.socket, parts.session, parts.uploader)
  }

  get capabilities(): ReadonlySet<DriverCapability> {
    return this.#session.capabilities
  }

  get closed(): Promise<DriverError | null> {
    return this.#socket.closed
  }

  probePermissions(signal: AbortSignal): Promise<PermissionProbe> {
    const name = `gantry-probe-${randomBytes(5).toString('hex')}.gcode`
    return inDriverWords(() => this.#files.probe(name, signal))
  }

  readReport(signal: AbortSignal): Promise<HostReport> {
    return inDriverWords(() => this.#session.readNow(signal))
  }

  upload(source: UploadSource, remoteName: string, options: UploadOptions): Promise<{ remotePath: string }> {
    return inDriverWords(() => this.#files.upload(source, remoteName, options))
  }

  start(remotePath: string, signal: AbortSignal): Promise<StartAnswer> {
    return this.#orders.start(remotePath, signal)
  }

  pause(remotePath: string | null, signal: AbortSignal): Promise<void> {
    return inDriverWords(() => this.#orders.pause(remotePath, signal))
  }

  resume(remotePath: string | null, signal: AbortSignal): Promise<void> {
    return inDriverWords(() => this.#orders.resume(remotePath, signal))
  }

  cancel(remotePath: string | null, signal: AbortSignal): Promise<void> {
    return inDriverWords(() => this.#orders.cancel(remotePath, signal))
  }

  emergencyStop(signal: AbortSignal): Promise<void> {
    return inDriverWords(() => this.#orders.emergencyStop(signal))
  }

  revoke(remotePath: string, signal: AbortSignal): Promise<RevokeAnswer> {
    return this.#files.revoke(remotePath, signal)
  }

  evidence(remotePath: string, signal: AbortSignal): Promise<PrintEvidence> {
    return inDriverWords(() => evidenceOf(this.#socket, this.#session, remotePath, signal))
  }

  listFiles(limit: number, signal: AbortSignal): Promise<RemoteFile[]> {
    return inDriverWords(() => this.#files.list(limit, signal))
  }

  async history(limit: number, signal: AbortSignal): Promise<HistoryEntry[]> {
    if (!this.#session.hasHistory) return []
    return inDriverWords(() => readHistory(this.#socket, limit, signal))
  }

  setTemperature(heater: string, targetCelsius: number, signal: AbortSignal): Promise<void> {
    return inDriverWords(() => this.#orders.setTemperature(heater, targetCelsius, signal))
  }

  async close(): Promise<void> {
    this.#socket.close()
    await this.#socket.closed
  }
}
