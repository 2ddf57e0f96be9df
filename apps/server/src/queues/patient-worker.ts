import { setTimeout as sleep } from 'node:timers/promises'

interface Taker {
  moveToActive(...given: unknown[]): Promise<unknown>
}

/** A backend that refuses at once would be asked again at once. */
const PAUSE_MS = 500

/**
 * BullMQ's worker asks for its next job again without a pause when asking fails for any other reason than a refused
 * connection: a database that is starting up or a Redis that is full would be asked thousands of times a second, and one
 * whose answer is already known without end and without letting anything else run.
 */
export const pausingAfterFailures = <W>(worker: W): W => {
  const { backend } = worker as unknown as { backend: Taker }
  const take = backend.moveToActive.bind(backend)
  backend.moveToActive = async (...given) => {
    try {
      return await take(...given)
    } catch (error) {
      await sleep(PAUSE_MS)
      throw error
    }
  }
  return worker
}
