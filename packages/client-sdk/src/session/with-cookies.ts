import type { XhrConstructor } from '../files/xhr-send.js'
import type { FetchLike } from '../http/exchange.js'

/** Pages of foreign sites cannot send it: with it the server takes cookies. */
const NAME = 'X-Gantry-Session'
const VALUE = 'cookie'

/** A `fetch` that sends and takes cookies. */
export const fetchWithCookies =
  (fetch: FetchLike): FetchLike =>
  (url, init) =>
    fetch(url, {
      ...init,
      credentials: 'include',
      headers: { ...Object.fromEntries(new Headers(init.headers)), [NAME]: VALUE },
    })

/** An `XMLHttpRequest` that does so. */
export const xhrWithCookies = (Xhr: XhrConstructor): XhrConstructor =>
  class extends Xhr {
    override open(method: string, url: string): void {
      super.open(method, url)
      this.withCredentials = true
      this.setRequestHeader(NAME, VALUE)
    }
  }
