import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { posix } from 'node:path'
import type { HostCall, HostReply } from '../net/host-server.types.js'
import { BodyTooLargeError, readBody } from '../net/read-body.js'
import { isRoot, locate, pathOf } from './file-location.js'
import { answerJsonRpc, callMethod } from './json-rpc.js'
import type { Method } from './method.js'
import { isRecord, type Params } from './params.js'
import { ServerError } from './server-error.js'
import type { Services } from './services.js'
import { receiveUpload } from './upload.js'

const MAX_BODY_BYTES = 50 * 1024 * 1024
const UPLOAD_PATH = '/server/files/upload'
const FILE_PATH = /^\/server\/files\/([^/]+)\/(.+)$/

interface RouteOptions {
  readonly services: Services
  readonly methods: ReadonlyMap<string, Method>
  readonly maxUploadBytes: number
}

/** Moonraker's HTTP side: the shared method table, JSON-RPC by POST, uploads, downloads and deletes. */
export class HttpRoutes {
  readonly #byPath = new Map<string, Method[]>()

  constructor(private readonly options: RouteOptions) {
    for (const method of options.methods.values()) {
      if (method.path === '' || method.websocketOnly) continue
      this.#byPath.set(method.path, [...(this.#byPath.get(method.path) ?? []), method])
    }
  }

  /** Answers every request, refusals in Moonraker's error body. */
  async answer(call: HostCall): Promise<HostReply> {
    const authorized = this.isAuthorized(call)
    try {
      if (call.path === '/server/jsonrpc') return await this.#jsonRpc(call, authorized)
      const methods = this.#byPath.get(call.path)
      if (methods) return await this.#method(call, methods, authorized)
      if (!authorized) throw new ServerError('Unauthorized', 401)
      if (call.path === UPLOAD_PATH) return await this.#upload(call)
      const file = FILE_PATH.exec(call.path)
      if (file && isRoot(file[1] ?? '')) return await this.#file(call)
      throw new ServerError('Not Found', 404)
    } catch (error) {
      return errorReply(error)
    }
  }

  isAuthorized({ headers, query }: Pick<HostCall, 'headers' | 'query'>): boolean {
    return this.options.services.authorization.accepts({
      apiKey: header(headers, 'x-api-key'),
      oneshotToken: query.get('token') ?? undefined,
    })
  }

  async #method(call: HostCall, methods: readonly Method[], authorized: boolean): Promise<HostReply> {
    const method = methods.find(({ verb, alsoVerb }) => verb === call.method || alsoVerb === call.method)
    if (!authorized && !(method ?? methods[0])?.isPublic) throw new ServerError('Unauthorized', 401)
    if (!method) throw new ServerError('Method Not Allowed', 405)
    const params = await paramsOf(call, method)
    return { status: 200, json: { result: await method.run(params, { authorized, connection: null }) } }
  }

  async #jsonRpc(call: HostCall, authorized: boolean): Promise<HostReply> {
    if (call.method !== 'POST') throw new ServerError('Method Not Allowed', 405)
    if (!isJson(call.headers)) throw new ServerError('Invalid content type, application/json required')
    const caller = { authorized, connection: null }
    const body = await bodyOf(call.request)
    const reply = await answerJsonRpc(body, (name, params) => callMethod(this.options.methods, name, params, caller))
    return { status: 200, body: reply ?? '', headers: { 'content-type': 'application/json; charset=UTF-8' } }
  }

  async #upload({ method, request, headers, onReceived }: HostCall): Promise<HostReply> {
    if (method !== 'POST') throw new ServerError('Method Not Allowed', 405)
    const { services, maxUploadBytes } = this.options
    return hidingText(async () => {
      const form = await receiveUpload(request, services.files.store, maxUploadBytes, onReceived)
      const answer = await services.fileOperations.upload(form)
      const path = pathOf(answer.item).split('/').map(encodeURIComponent).join('/')
      const location = `http://${headers.host ?? 'localhost'}/server/files/${path}`
      return { status: 201, json: answer, headers: { location } }
    })
  }

  async #file({ method, path }: HostCall): Promise<HostReply> {
    const { files, fileOperations } = this.options.services
    const requested = path.slice('/server/files/'.length)
    if (method === 'DELETE') {
      return hidingText(async () => ({ status: 200, json: { result: await fileOperations.delete(requested) } }))
    }
    if (method !== 'GET') throw new ServerError('Method Not Allowed', 405)
    const body = await files.store.read(pathOf(locate(requested)))
    if (!body) throw new ServerError('Not Found', 404)
    const disposition = `attachment; filename*=UTF-8''${encodeURIComponent(posix.basename(requested))}`
    return {
      status: 200,
      body,
      headers: { 'content-type': 'application/octet-stream', 'content-disposition': disposition },
    }
  }
}

/** The reply for any error: Moonraker answers what it did not expect with 500. */
export function errorReply(error: unknown): HostReply {
  const { status, message } =
    error instanceof ServerError ? error : new ServerError(error instanceof Error ? error.message : String(error), 500)
  const hidden = error instanceof HiddenError ? error.reason : message
  const traceback = `Traceback (most recent call last):\ntornado.web.HTTPError: HTTP ${status}: ${message}\n`
  // A reason phrase cannot hold line breaks, and then the real host has no other text.
  const text = hidden.includes('\n') ? 'Unknown' : hidden
  return { status, json: { error: { code: status, message: text, traceback } } }
}

/** A refusal whose text HTTP clients find only in the traceback. */
class HiddenError extends ServerError {
  get reason(): string {
    return REASONS[this.status] ?? 'Unknown'
  }
}

const REASONS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  422: 'Unprocessable Entity',
  500: 'Internal Server Error',
}

async function hidingText(work: () => Promise<HostReply>): Promise<HostReply> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof ServerError ? new HiddenError(error.message, error.status) : error
  }
}

async function paramsOf(call: HostCall, { takesObjects }: Method): Promise<Params> {
  const entries = [...call.query].filter(([name]) => name !== 'token' && name !== '_')
  const fromQuery: Params = takesObjects
    ? { objects: Object.fromEntries(entries.map(([name, fields]) => [name, fields === '' ? null : fields.split(',')])) }
    : Object.fromEntries(entries)
  const body = call.method === 'GET' ? '' : await bodyOf(call.request)
  return body === '' || !isJson(call.headers) ? fromQuery : { ...fromQuery, ...parseRecord(body) }
}

/** A body that is no JSON is passed over, as the real host does. */
function parseRecord(body: string): Params {
  try {
    const value: unknown = JSON.parse(body)
    return isRecord(value) ? value : {}
  } catch {
    return {}
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  try {
    return await readBody(request, MAX_BODY_BYTES)
  } catch (error) {
    throw error instanceof BodyTooLargeError ? new ServerError('Request Entity Too Large', 413) : error
  }
}

function isJson(headers: IncomingHttpHeaders): boolean {
  return headers['content-type']?.trim().startsWith('application/json') ?? false
}

function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value[0] : value
}
