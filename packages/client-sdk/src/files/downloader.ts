import { badResponse, networkError, stallError } from '../errors/client-errors.js'
import { GantryApiError } from '../errors/gantry-api-error.js'
import { Deadline } from '../http/deadline.js'
import { bearer, exchange, type FetchLike } from '../http/exchange.js'
import type { Session } from '../session/session.js'
import { restErrorOf } from './answers.js'

/** Bytes on their way. Read `body`, or let one of the methods read it; it can be read once. */
export interface Download {
  /** As the file is called in the library. */
  name: string
  contentType: string
  sizeBytes: number | null
  /** Fails with a `GantryApiError` when the connection breaks, stands still, or the signal aborts. */
  body: ReadableStream<Uint8Array>
  bytes: () => Promise<Uint8Array>
  blob: () => Promise<Blob>
}

export interface DownloaderOptions {
  url: string
  fetch: FetchLike
  session: Pick<Session, 'authorized'>
  /** Nothing received for so long: given up. */
  stallTimeoutMs: number
}

/** Every download is sent as an attachment; what is none comes from something in between, such as a login page. */
const nameIn = ({ headers, status }: Response): string => {
  const disposition = headers.get('content-disposition')
  if (disposition === null) throw badResponse(status)
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(disposition)?.[1]
  return encoded === undefined ? 'download' : decodeURIComponent(encoded)
}

const watched = (body: ReadableStream<Uint8Array>, deadline: Deadline): ReadableStream<Uint8Array> => {
  const reader = body.getReader()
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        deadline.restart()
        try {
          const { done, value } = await deadline.race(reader.read())
          // While its reader takes its time nothing stands still.
          deadline.release()
          if (!done) {
            controller.enqueue(value)
            return
          }
          deadline.dispose()
          controller.close()
        } catch (cause) {
          deadline.dispose()
          reader.cancel().catch(() => undefined)
          controller.error(deadline.signal.aborted ? deadline.signal.reason : networkError(cause))
        }
      },
      cancel: async () => {
        deadline.dispose()
        await reader.cancel()
      },
    },
    { highWaterMark: 0 },
  )
}

const downloadOf = (response: Response, deadline: Deadline): Download => {
  if (response.body === null) throw badResponse(response.status)
  const body = watched(response.body as ReadableStream<Uint8Array>, deadline)
  const length = response.headers.get('content-length')
  const contentType = response.headers.get('content-type') ?? 'application/octet-stream'
  const whole = () =>
    new Response(body as ConstructorParameters<typeof Response>[0], { headers: { 'Content-Type': contentType } })
  return {
    name: nameIn(response),
    contentType,
    sizeBytes: length === null ? null : Number(length),
    body,
    bytes: async () => new Uint8Array(await whole().arrayBuffer()),
    blob: () => whole().blob(),
  }
}

/** Fetches what the library holds. */
export class Downloader {
  constructor(private readonly options: DownloaderOptions) {}

  urlOf(fileId: string, part: 'content' | 'thumbnail'): string {
    return `${this.options.url}/api/files/${encodeURIComponent(fileId)}/${part}`
  }

  /** @throws GantryApiError `NOT_FOUND`, `ABORTED`, … */
  download(fileId: string, part: 'content' | 'thumbnail', signal?: AbortSignal): Promise<Download> {
    return this.options.session.authorized((token) => this.open(this.urlOf(fileId, part), token, signal))
  }

  private async open(url: string, token: string | null, signal: AbortSignal | undefined): Promise<Download> {
    const { fetch, stallTimeoutMs } = this.options
    const deadline = new Deadline(stallTimeoutMs, stallError, signal)
    try {
      return await exchange({ fetch, url, init: { headers: bearer(token) }, deadline }, async (response) => {
        if (!response.ok) throw restErrorOf(response.status, await response.text())
        return downloadOf(response, deadline)
      })
    } catch (error) {
      deadline.dispose()
      throw error instanceof GantryApiError ? error : networkError(error)
    }
  }
}
