import {
  createGantryClient,
  GantryApiError,
  type GantryClient,
  type GantryClientOptions,
  type TokenStore,
} from '@gantry/client'

import { PASSWORD, startAppUnderTest, type AppUnderTest } from '../../src/testing/app-under-test.js'
import { startFaultProxy, type FaultProxy } from './fault-proxy.js'

export const EMAIL = 'admin@example.org'
export { PASSWORD }

export interface SdkBench extends AsyncDisposable {
  app: AppUnderTest
  proxy: FaultProxy
  /** A client that speaks through the proxy and waits briefly. */
  client(options?: Partial<GantryClientOptions>): GantryClient
  /** One that has logged in, with the proxy's notes of that wiped away. */
  loggedIn(options?: Partial<GantryClientOptions>): Promise<GantryClient>
}

/** A whole server without printers, a proxy that can break things, and clients. */
export const startSdkBench = async (environment: Record<string, string> = {}): Promise<SdkBench> => {
  const app = await startAppUnderTest({ GANTRY_ROLES: 'api', ...environment })
  const proxy = await startFaultProxy(app.url)
  const client = (options: Partial<GantryClientOptions> = {}) =>
    createGantryClient({
      url: proxy.url,
      retry: { delayMs: 10, maxDelayMs: 2_000 },
      reconnect: { delayMs: 20, maxDelayMs: 200 },
      ...options,
    })
  return {
    app,
    proxy,
    client,
    loggedIn: async (options) => {
      const gantry = client(options)
      await gantry.auth.login(EMAIL, PASSWORD)
      proxy.seen.length = 0
      return gantry
    },
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]()
      await app[Symbol.asyncDispose]()
    },
  }
}

/** What the call rejected with, which must be the client's own error. */
export const failureOf = async (call: Promise<unknown>): Promise<GantryApiError> => {
  const thrown: unknown = await call.then(
    () => null,
    (error: unknown) => error,
  )
  if (!(thrown instanceof GantryApiError)) throw new Error(`the call gave ${String(thrown)}`)
  return thrown
}

/** Puts an access token into the store that the server refuses. */
export const spoil = async (store: TokenStore) => {
  const held = await store.load()
  if (held === null) throw new Error('nobody has logged in')
  await store.save({ ...held, accessToken: 'worthless', refreshAtMs: null })
}
