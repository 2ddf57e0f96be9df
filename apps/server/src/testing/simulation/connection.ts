import { Readable } from 'node:stream'

import {
  DriverError,
  type ConnectOptions,
  type DriverCapability,
  type DriverConnection,
  type DriverErrorCode,
  type DriverEvent,
  type DriverTarget,
  type HistoryEntry,
  type HostReport,
  type PermissionProbe,
  type PrinterDriver,
  type PrintEvidence,
  type PrintOutcome,
  type RemoteFile,
  type RevokeAnswer,
  type StartAnswer,
  type UploadOptions,
  type UploadSource,
} from '../../modules/printers/printer-driver.port.js'
import type { HostLink, SimulatedHost } from './host.js'
import type { SimulatedProcess } from './process.js'

/** How often a call to a host goes wrong, by kind of fault. */
export interface CallFaults {
  slow: number
  lost: number
  answerLost: number
  /** How often a start arrives late, over and above all else. */
  lateStart: number
  /** The host says that it took a start, and does nothing. */
  lying: number
}

/** A request that was sent may arrive long after its caller gave up, at most by this. */
const LATEST_MS = 60_000
const SOON_MS = 5_000
const UPLOAD_MS = 4_000

/** The driver of one process: every host is reached through the network that the world makes up. */
export class SimulatedDriver implements PrinterDriver {
  readonly kind = 'octoprint'

  constructor(
    private readonly process: SimulatedProcess,
    /** By the URL of their printers. */
    private readonly hosts: ReadonlyMap<string, SimulatedHost>,
    private readonly faults: CallFaults,
    private readonly wrap = (connection: DriverConnection): DriverConnection => connection,
  ) {}

  async connect({ url }: DriverTarget, { signal, onEvent }: ConnectOptions): Promise<DriverConnection> {
    await this.process.incoming(`${this.process.id} connects to ${url}`)
    const host = this.hosts.get(url)
    if (host === undefined || host.isAway) throw new DriverError('unreachable', 'there is no such host')
    if (signal.aborted) throw new DriverError('aborted', 'given up')
    const connection = new SimulatedConnection(this.process, host, this.faults, onEvent)
    signal.addEventListener('abort', () => void connection.close(), { once: true })
    return this.wrap(connection)
  }

  emergencyStop = (): Promise<void> => unused('emergencyStop')
}

class SimulatedConnection implements DriverConnection, HostLink {
  readonly identity = { product: 'Simulated', uniqueId: null }
  readonly capabilities: ReadonlySet<DriverCapability>
  readonly closed: Promise<DriverError | null>
  readonly told = new Map<string, PrintOutcome>()
  private end: (error: DriverError | null) => void = () => undefined
  private isOpen = true
  private readonly spoken: DriverEvent[] = []
  private pumping = false

  constructor(
    private readonly process: SimulatedProcess,
    private readonly host: SimulatedHost,
    private readonly faults: CallFaults,
    private readonly onEvent: (event: DriverEvent) => void,
  ) {
    this.capabilities = new Set(host.kind === 'moonraker' ? ['history'] : [])
    this.closed = new Promise((resolve) => (this.end = resolve))
    host.connect(this)
    onEvent({ type: 'report', report: host.report() })
  }

  emit(event: DriverEvent): void {
    this.spoken.push(event)
    void this.pump()
  }

  hangUp(): void {
    void this.process.incoming(`${this.process.id} loses ${this.host.id}`).then(() => this.shut(gone()))
  }

  close(): Promise<void> {
    this.host.disconnect(this)
    this.shut(null)
    return Promise.resolve()
  }

  probePermissions(signal: AbortSignal): Promise<PermissionProbe> {
    return this.call('probe', signal, () => ({ upload: true, delete: true, print: true, detail: null }))
  }

  readReport(signal: AbortSignal): Promise<HostReport> {
    return this.call('report', signal, () => this.host.report())
  }

  evidence(remotePath: string, signal: AbortSignal): Promise<PrintEvidence> {
    return this.call('evidence', signal, () => this.host.evidence(remotePath, this.told))
  }

  async upload(source: UploadSource, remoteName: string, { signal }: UploadOptions): Promise<{ remotePath: string }> {
    source.open().destroy()
    await this.process.world.sleep(this.process.world.between(`upload to ${this.host.id}`, 0, UPLOAD_MS))
    if ((await this.call('upload', signal, () => this.host.store(remoteName))) === 'exists')
      throw new DriverError('conflict_file', 'the host has this file already')
    return { remotePath: remoteName }
  }

  async start(remotePath: string, signal: AbortSignal): Promise<StartAnswer> {
    const { world } = this.process
    try {
      const isLie = world.chance(`lie of ${this.host.id}`) < this.faults.lying
      const result = await this.call('start', signal, () => (isLie ? 'sent' : this.host.start(remotePath, 'gantry')))
      if (result === 'sent') return { kind: 'sent' }
      return { kind: 'rejected', error: new DriverError(result, `the host refuses: ${result}`) }
    } catch (error) {
      return { kind: 'unknown', error: asDriverError(error) }
    }
  }

  async cancel(remotePath: string, signal: AbortSignal): Promise<void> {
    if ((await this.call('cancel', signal, () => this.host.cancel(remotePath))) === 'other')
      throw new DriverError('busy', 'the host does not print this file')
  }

  async revoke(remotePath: string, signal: AbortSignal): Promise<RevokeAnswer> {
    try {
      return await this.call('delete', signal, () => this.host.delete(remotePath))
    } catch (error) {
      asDriverError(error)
      return 'unknown'
    }
  }

  listFiles(limit: number, signal: AbortSignal): Promise<RemoteFile[]> {
    const file = (remotePath: string) => ({ remotePath, sizeBytes: 10, modifiedAt: null })
    return this.call('files', signal, () => this.host.fileNames.slice(0, limit).map(file))
  }

  history(limit: number, signal: AbortSignal): Promise<HistoryEntry[]> {
    return this.call('history', signal, () => this.host.past.slice(0, limit))
  }

  pause = (): Promise<void> => unused('pause')
  resume = (): Promise<void> => unused('resume')
  emergencyStop = (): Promise<void> => unused('emergencyStop')
  setTemperature = (): Promise<void> => unused('setTemperature')

  /**
   * One request. It has its effect when it arrives, whether or not anybody waits for it by then, or was killed since; the
   * answer comes later still, or never.
   */
  private call<T>(what: string, signal: AbortSignal, effect: () => T): Promise<T> {
    const { process, host } = this
    const { world } = process
    const key = `${what} of ${process.id} at ${host.id}`
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(new DriverError('aborted', 'given up before it was sent'))
        return
      }
      signal.addEventListener('abort', () => reject(new DriverError('timeout', 'no answer in time')), { once: true })
      const fail = (code: DriverErrorCode, message: string) =>
        void process.incoming(`${key} fails`).then(() => reject(new DriverError(code, message)))
      void this.travel(what, key).then(async (fate) => {
        if (fate === 'lost' || host.isAway) {
          fail('unreachable', 'the connection broke')
          return
        }
        const result = effect()
        if (what === 'start' || what === 'delete') world.tell(`${key}: ${String(result)}`)
        if (fate === 'answer lost') {
          fail('unreachable', 'the connection broke before the answer came')
          return
        }
        if (fate === 'answer slow') await world.sleep(this.delay(key))
        await process.incoming(`${key} is answered`)
        resolve(result)
      })
    })
  }

  private async travel(what: string, key: string): Promise<'well' | 'lost' | 'answer lost' | 'answer slow'> {
    const { world } = this.process
    const { slow, lost, answerLost, lateStart } = this.faults
    if (what === 'start' && world.chance(`start at ${this.host.id} late`) < lateStart)
      await world.sleep(this.delay(key))
    const luck = world.chance(`fate of ${key}`)
    if (luck < slow / 2) await world.sleep(this.delay(key))
    await world.turn(key)
    if (luck < slow) return luck < slow / 2 ? 'well' : 'answer slow'
    if (luck < slow + lost) return 'lost'
    return luck < slow + lost + answerLost ? 'answer lost' : 'well'
  }

  /** Most of what is late is late by little. */
  private delay(key: string): number {
    const { world } = this.process
    return world.between(`delay of ${key}`, 0, world.chance(`length of ${key}`) < 0.5 ? SOON_MS : LATEST_MS)
  }

  /** A host's words arrive in the order in which it spoke them. */
  private async pump(): Promise<void> {
    if (this.pumping) return
    this.pumping = true
    for (let event = this.spoken.shift(); event !== undefined; event = this.spoken.shift()) {
      await this.process.incoming(`${this.host.id} speaks to ${this.process.id}`)
      this.hear(event)
    }
    this.pumping = false
  }

  private hear(event: DriverEvent): void {
    if (this.isOpen) this.onEvent(event)
  }

  private shut(error: DriverError | null): void {
    this.isOpen = false
    this.end(error)
  }
}

/** What a print file is made of does not matter here. */
export const emptySource: UploadSource = { sizeBytes: 10, sha256: 'ab', open: () => Readable.from([]) }

const gone = () => new DriverError('unreachable', 'the host closed the connection')

const asDriverError = (error: unknown): DriverError => {
  if (error instanceof DriverError) return error
  throw error
}

const unused = (name: string): Promise<never> => Promise.reject(new Error(`nobody asks simulated hosts for ${name}`))
