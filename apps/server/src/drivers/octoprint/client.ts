import { DriverError, type DriverTarget, type UploadSource } from '../../modules/printers/printer-driver.port.js'
import { type Connector, jsonOf, type OutboundRequest } from '../../net/connector.js'
import { multipartBody } from '../../net/multipart.js'
import { NetError } from '../../net/net-error.js'
import { driverErrorOf } from '../driver-error-of.js'
import { type Answer, errorOf, uploadErrorOf } from './answers.js'
import { productOf } from './identity.js'
import type { Observation } from './mapper.js'
import {
  currentUserMessage,
  type FileMessage,
  fileMessage,
  jobMessage,
  listingMessage,
  loginMessage,
  printerMessage,
  uploadMessage,
} from './wire.js'

export interface ClientOptions {
  /** For one request. @default 10_000 */
  requestTimeoutMs?: number
  /** Without progress in an upload. @default 60_000 */
  uploadStallMs?: number
}

export interface Login {
  name: string
  session: string
}

interface Parser<T> {
  safeParse(value: unknown): { success: true; data: T } | { success: false }
}

type Call = Pick<OutboundRequest, 'method' | 'maxBytes'> & { json?: unknown }

/** A listing of some ten thousand files. */
const MAX_LISTING_BYTES = 32_000_000

const NOT_OPERATIONAL: Pick<Observation, 'state' | 'temperatures'> = {
  state: {
    ...printerMessage.shape.state.parse({ flags: { closedOrError: true } }),
    text: 'Offline',
  },
  temperatures: {},
}

export const encodePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/')

/** OctoPrint's REST API with one key. Every method throws {@link DriverError} and nothing else. */
export class OctoPrintClient {
  readonly #base: string

  constructor(
    private readonly connector: Connector,
    private readonly target: DriverTarget,
    private readonly options: ClientOptions = {},
  ) {
    this.#base = target.url.replace(/\/+$/, '')
  }

  /** Where the push channel is. */
  get socketUrl(): string {
    return `${this.#base.replace(/^http/i, 'ws')}/sockjs/websocket`
  }

  /** The product and its version. @throws DriverError `not_recognised`, `auth`, … */
  async identify(signal: AbortSignal): Promise<string> {
    const url = `${this.#base}/api/version`
    try {
      const response = await this.connector.request({ url, headers: this.#headers(), signal, ...this.#timeout() })
      const authenticate = [response.headers['www-authenticate']].flat()[0] ?? null
      return productOf({ status: response.status, json: lenientJson(response), authenticate })
    } catch (error) {
      const failure = driverErrorOf(error)
      // It answers, but not as OctoPrint does.
      if (failure.code === 'protocol') throw new DriverError('not_recognised', failure.message, failure.details)
      throw failure
    }
  }

  /** A session for the push channel. @throws DriverError `auth` when the key is nobody's */
  async login(signal: AbortSignal): Promise<Login> {
    const answer = await this.#expect('/api/login', loginMessage, { method: 'POST', json: { passive: true } }, signal)
    if (answer.groups.length === 1 && answer.groups[0] === 'guests') {
      throw new DriverError('auth', 'the host takes the API key for a guest')
    }
    return { name: answer.name, session: answer.session }
  }

  async permissions(signal: AbortSignal): Promise<string[]> {
    return (await this.#expect('/api/currentuser', currentUserMessage, {}, signal)).permissions
  }

  /** State, temperatures and job, read now. */
  async observe(signal: AbortSignal): Promise<Observation> {
    const [printer, { job, progress, state, error }] = await Promise.all([
      this.#printer(signal),
      this.#expect('/api/job', jobMessage, {}, signal),
    ])
    if (printer !== null) return { state: printer.state, temperatures: printer.temperature, job, progress }
    // 409 on /api/printer: the host is up and has no printer; only the job's text tells why.
    const text = state === '' ? NOT_OPERATIONAL.state.text : state
    return { ...NOT_OPERATIONAL, state: { ...NOT_OPERATIONAL.state, text, error }, job, progress }
  }

  /** The record of one file; null when the host says that there is none. */
  async file(path: string, signal: AbortSignal): Promise<FileMessage | null> {
    try {
      return await this.#expect(filePath(path), fileMessage, {}, signal)
    } catch (error) {
      if (error instanceof DriverError && error.code === 'not_found') return null
      throw error
    }
  }

  /** The top of the file tree, folders with their children inside. */
  async files(signal: AbortSignal): Promise<unknown[]> {
    const call = { maxBytes: MAX_LISTING_BYTES }
    return (await this.#expect('/api/files/local?recursive=true', listingMessage, call, signal)).files
  }

  /** Orders something; resolves with whatever the host answered. */
  async order(path: string, json: Record<string, unknown>, signal: AbortSignal): Promise<Answer> {
    return await this.#call(path, { method: 'POST', json }, signal)
  }

  /** Selects and prints; resolves with whatever the host answered. */
  async print(path: string, signal: AbortSignal): Promise<Answer> {
    return await this.order(filePath(path), { command: 'select', print: true }, signal)
  }

  /** Resolves with whatever the host answered. */
  async delete(path: string, signal: AbortSignal): Promise<Answer> {
    return await this.#call(filePath(path), { method: 'DELETE' }, signal)
  }

  /** Stores a new file and resolves with the path that the host chose; an existing one is never replaced. */
  async upload(
    source: Pick<UploadSource, 'sizeBytes' | 'open'>,
    name: string,
    options: { signal: AbortSignal; onProgress?: (sentBytes: number) => void },
  ): Promise<string> {
    const fileName = name.slice(name.lastIndexOf('/') + 1)
    const folder = name.slice(0, -fileName.length - 1)
    const fields = { noOverwrite: 'true', ...(folder === '' ? {} : { path: folder }) }
    const file = { field: 'file', fileName, sizeBytes: source.sizeBytes, open: () => source.open() }
    const url = `${this.#base}/api/files/local`
    const stall = this.options.uploadStallMs === undefined ? {} : { stallMs: this.options.uploadStallMs }
    try {
      const headers = this.#headers()
      const body = multipartBody(fields, file)
      const response = await this.connector.upload({ url, headers, body, ...stall, ...options })
      const answer = { status: response.status, json: lenientJson(response) }
      const stored = uploadMessage.safeParse(answer.json)
      if (answer.status === 201 && stored.success) return stored.data.files.local.path
      throw uploadErrorOf(answer)
    } catch (error) {
      throw driverErrorOf(error)
    }
  }

  async #printer(signal: AbortSignal) {
    try {
      return await this.#expect('/api/printer?exclude=sd', printerMessage, {}, signal)
    } catch (error) {
      const isState = error instanceof DriverError && error.details.httpStatus === 409
      if (isState && error.code === 'not_connected') return null
      throw error
    }
  }

  async #expect<T>(path: string, parser: Parser<T>, call: Call, signal: AbortSignal): Promise<T> {
    const answer = await this.#call(path, call, signal)
    if (answer.status !== 200) throw errorOf(answer)
    const parsed = parser.safeParse(answer.json)
    if (parsed.success) return parsed.data
    throw new DriverError('protocol', `the host's answer to ${path} is not what OctoPrint answers`)
  }

  async #call(path: string, { json, ...call }: Call, signal: AbortSignal): Promise<Answer> {
    const sends = json === undefined ? {} : { body: JSON.stringify(json) }
    const headers = { ...this.#headers(), ...(json === undefined ? {} : { 'content-type': 'application/json' }) }
    try {
      return await this.connector.json({
        url: this.#base + path,
        headers,
        signal,
        ...call,
        ...sends,
        ...this.#timeout(),
      })
    } catch (error) {
      throw driverErrorOf(error)
    }
  }

  #headers(): Record<string, string> {
    return this.target.apiKey === null ? {} : { 'x-api-key': this.target.apiKey }
  }

  #timeout(): { timeoutMs?: number } {
    return this.options.requestTimeoutMs === undefined ? {} : { timeoutMs: this.options.requestTimeoutMs }
  }
}

const filePath = (path: string): string => `/api/files/local/${encodePath(path)}`

/** The JSON of an answer, or undefined for a page, for callers to whom a page is an answer too. */
const lenientJson = (response: Parameters<typeof jsonOf>[0]): unknown => {
  try {
    return jsonOf(response, 'the host')
  } catch (error) {
    if (error instanceof NetError) return undefined
    throw error
  }
}
