import type { DriverTarget, UploadOptions, UploadSource } from '../../modules/printers/printer-driver.port.js'
import { DriverError, type DriverErrorCode } from '../../modules/printers/printer-driver.port.js'
import { jsonOf, type Connector, type OutboundResponse } from '../../net/connector.js'
import { multipartBody } from '../../net/multipart.js'
import { isGatewayStatus } from '../driver-error-of.js'

import { hostUrl } from './host-url.js'
import { httpError, uploadReply } from './wire.js'

/** Moonraker answers after it read the file's metadata, which takes up to a minute with large files. */
const STALL_MS = 120_000

/** Uploads by HTTP, the one thing that Moonraker's WebSocket cannot do. */
export class Uploader {
  readonly #connector: Connector
  readonly #target: DriverTarget

  constructor(connector: Connector, target: DriverTarget) {
    this.#connector = connector
    this.#target = target
  }

  /** @throws DriverError, NetError */
  async upload(
    source: Omit<UploadSource, 'sha256'> & { sha256: string | null },
    remoteName: string,
    options: UploadOptions,
  ): Promise<{ path: string; size: number }> {
    const fields = { root: 'gcodes', ...(source.sha256 === null ? {} : { checksum: source.sha256 }) }
    const file = { field: 'file', fileName: remoteName, sizeBytes: source.sizeBytes, open: () => source.open() }
    const url = hostUrl(this.#target.url, '/server/files/upload')
    const response = await this.#connector.upload({
      url,
      headers: this.#target.apiKey === null ? {} : { 'X-Api-Key': this.#target.apiKey },
      body: multipartBody(fields, file),
      signal: options.signal,
      stallMs: STALL_MS,
      ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
    })
    if (response.status !== 201) throw uploadError(response)
    const reply = uploadReply.safeParse(jsonOf(response, new URL(url).host))
    if (!reply.success) throw new DriverError('protocol', 'Moonraker answered the upload in an unexpected way')
    return reply.data.item
  }
}

/** The handler's own text is often only in the traceback. */
function uploadError(response: OutboundResponse): DriverError {
  const { status } = response
  const said = textOf(response)
  const code = codeOf(status, said)
  const message = said === null ? `Moonraker refused the upload with status ${status}` : said.message
  return new DriverError(code, message, { httpStatus: status })
}

function codeOf(status: number, said: { all: string } | null): DriverErrorCode {
  if (isGatewayStatus(status)) return 'unreachable'
  if (status === 401) return 'auth'
  if (status === 413) return 'too_large'
  // The HTTP server below Moonraker refuses a body above the limit before Moonraker can say a word.
  if (status === 400 && said === null) return 'too_large'
  if (said === null) return 'protocol'
  if (status === 403) return /loaded|in use/i.test(said.all) ? 'conflict_file' : 'rejected'
  if (status === 400 || status === 422) return 'bad_file'
  return status === 500 && /Unable to save file/i.test(said.all) ? 'storage_full' : 'rejected'
}

function textOf(response: OutboundResponse): { message: string; all: string } | null {
  if (response.contentType !== 'application/json') return null
  const { error } = httpError.safeParse(jsonOf(response, 'Moonraker')).data ?? {}
  if (error === undefined) return null
  const message = error.message ?? 'Moonraker refused the upload'
  return { message, all: `${message}\n${error.traceback ?? ''}` }
}
