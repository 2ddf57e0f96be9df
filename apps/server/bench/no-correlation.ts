/** Loaded into a server that is measured without everything: nothing is known of what is worked on, at no cost. */
import { AsyncLocalStorage } from 'node:async_hooks'

Object.assign(AsyncLocalStorage.prototype, {
  run: (_store: unknown, work: (...given: unknown[]) => unknown, ...given: unknown[]) => work(...given),
  getStore: () => undefined,
})
