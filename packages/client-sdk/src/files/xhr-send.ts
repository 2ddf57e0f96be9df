import { networkError } from '../errors/client-errors.js'
import type { GantryApiError } from '../errors/gantry-api-error.js'
import type { SendAnswer, SendRequest } from './upload.types.js'

interface ProgressLike {
  loaded: number
}

/** What is needed of a browser's `XMLHttpRequest`. */
export interface XhrLike {
  open(method: string, url: string): void
  setRequestHeader(name: string, value: string): void
  send(body: Blob): void
  abort(): void
  withCredentials: boolean
  readonly status: number
  readonly responseText: string
  readonly upload: { onprogress: ((event: ProgressLike) => void) | null }
  onload: (() => void) | null
  onerror: (() => void) | null
  onabort: (() => void) | null
}

export type XhrConstructor = new () => XhrLike

/** Null outside of browsers. */
export const platformXhr = (): XhrConstructor | null =>
  (globalThis as { XMLHttpRequest?: XhrConstructor }).XMLHttpRequest ?? null

/** Sends by `XMLHttpRequest`, since a browser's `fetch` tells nothing of an upload's progress. */
export const xhrSend = (Xhr: XhrConstructor, body: Blob, request: SendRequest): Promise<SendAnswer> =>
  new Promise((resolve, reject) => {
    const { url, headers, onSent, signal } = request
    const xhr = new Xhr()
    const onAbort = () => {
      reject(signal.reason as GantryApiError)
      xhr.abort()
    }
    const settle = (act: () => void) => {
      signal.removeEventListener('abort', onAbort)
      act()
    }
    xhr.open('POST', url)
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value)
    xhr.upload.onprogress = ({ loaded }) => onSent(loaded)
    xhr.onload = () => settle(() => resolve({ status: xhr.status, text: xhr.responseText }))
    xhr.onerror = () => settle(() => reject(networkError()))
    xhr.onabort = () => settle(() => reject(networkError()))
    if (signal.aborted) onAbort()
    else {
      signal.addEventListener('abort', onAbort, { once: true })
      xhr.send(body)
    }
  })
