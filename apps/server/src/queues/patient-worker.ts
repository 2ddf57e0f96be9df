import { setTimeout as sleep } from 'node:timers/promises'

import type { RareLog } from '../kernel/rare-log.js'
import type { TakenJob, WorkerOptions } from './backend.port.js'

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
const pausingAfterFailures = <W>(worker: W): W => {
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

interface Heard {
  on(event: 'error', hear: (error: Error) => void): unknown
  on(event: 'failed', hear: (job: TakenJob | undefined, error: Error) => void): unknown
}

/** A worker of either backend as the others know it: patient, and with its troubles told. */
export const attended = <W extends Heard>(worker: W, log: RareLog, onFailed: WorkerOptions['onFailed']): W => {
  worker.on('error', (err) => log.warn({ err }, 'a worker lost its connection'))
  worker.on('failed', (job, error) => {
    if (job !== undefined) onFailed(job, error)
  })
  return pausingAfterFailures(worker)
}
