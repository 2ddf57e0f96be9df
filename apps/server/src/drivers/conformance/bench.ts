import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'

import { onTestFinished } from 'vitest'

import type {
  DriverConnection,
  DriverTarget,
  HostReport,
  UploadSource,
} from '../../modules/printers/printer-driver.port.js'
import { FaultProxy } from './fault-proxy.js'
import type { ConformanceFeature, ConformanceHarness, ConformancePace, HostUnderTest } from './harness.js'
import { Recorder } from './recorder.js'

/** A connection with a record of what it told. */
export interface Session {
  connection: DriverConnection
  told: Recorder
}

const ACTIVE = new Set<HostReport['state']>(['printing', 'pausing', 'paused', 'cancelling'])
export const isActive = ({ state }: HostReport): boolean => ACTIVE.has(state)

/** For calls that a test does not want to abort. */
export const noAbort = (): AbortSignal => new AbortController().signal

export const sourceOf = (text: string): UploadSource => {
  const bytes = Buffer.from(text)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  return { sizeBytes: bytes.byteLength, sha256, open: () => Readable.from([bytes]) }
}

/** A name as the dispatcher makes them: never used before. */
export const freshName = (): string => `gconform-1-${randomBytes(5).toString('hex')}.gcode`

/** The host, the proxy in front of it, and the tidying up after each test. */
export class Bench {
  readonly pace: ConformancePace
  #host: HostUnderTest | undefined
  #proxy: FaultProxy | undefined
  #target: DriverTarget | undefined
  #uploaded: string[] = []

  constructor(private readonly harness: ConformanceHarness) {
    this.pace = { reactMs: 15_000, finishMs: 60_000, ...harness.pace }
  }

  skips(feature: ConformanceFeature): boolean {
    return this.harness.skip?.includes(feature) ?? false
  }

  get host(): HostUnderTest {
    return defined(this.#host)
  }

  get proxy(): FaultProxy {
    return defined(this.#proxy)
  }

  /** The host behind the proxy. */
  get target(): DriverTarget {
    return defined(this.#target)
  }

  async start(): Promise<void> {
    this.#host = await this.harness.start()
    this.#proxy = new FaultProxy(new URL(this.#host.target.url))
    this.#target = { ...this.#host.target, url: await this.#proxy.start() }
  }

  async stop(): Promise<void> {
    await this.#proxy?.stop()
    await this.#host?.stop()
  }

  /** Connects through the proxy; closed when the test is over. */
  async connect(target = this.target): Promise<Session> {
    const told = new Recorder()
    const connection = await this.host.driver.connect(target, { signal: noAbort(), onEvent: told.onEvent })
    onTestFinished(() => connection.close())
    return { connection, told }
  }

  /** Uploads a text under a fresh name; deleted after the test. */
  async upload({ connection }: Session, text: string, name = freshName()): Promise<string> {
    const { remotePath } = await connection.upload(sourceOf(text), name, { signal: noAbort() })
    this.#uploaded.push(remotePath)
    return remotePath
  }

  /** Uploads and starts, and waits until the host works on it. */
  async print(session: Session, text: string): Promise<string> {
    const remotePath = await this.upload(session, text)
    const since = session.told.events.length
    const answer = await session.connection.start(remotePath, noAbort())
    if (answer.kind !== 'sent') throw answer.error
    const { reactMs } = this.pace
    await session.told.event('printStarted', (event) => event.remotePath === remotePath, reactMs, since)
    await session.told.report((report) => isActive(report) && report.job?.remotePath === remotePath, reactMs, since)
    return remotePath
  }

  /** Brings the host back to rest, whatever the test did to it. */
  async settle(): Promise<void> {
    this.proxy.mode = 'pass'
    const told = new Recorder()
    const connection = await this.host.driver.connect(this.host.target, { signal: noAbort(), onEvent: told.onEvent })
    try {
      if (isActive(await connection.readReport(noAbort()))) {
        // The end may be reported before the order is answered.
        const since = told.events.length
        await connection.cancel(null, noAbort())
        await told.report((report) => !isActive(report), this.pace.reactMs, since)
      }
      for (const path of this.#uploaded.splice(0)) await connection.revoke(path, noAbort())
    } finally {
      await connection.close()
    }
    await this.host.clearBed?.()
  }
}

const defined = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('the host of this suite did not start')
  return value
}
