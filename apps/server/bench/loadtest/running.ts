import { setTimeout as sleep } from 'node:timers/promises'

import { call, logIn, RefusedError } from './api.js'
import type { Order } from './drive.js'
import { Side, type Measured } from './measure.js'
import type { Login, RunningServer } from './options.js'

export interface RunningLoad extends RunningServer {
  seconds: number
  connections: number
  signal: AbortSignal
}

/** Measures a server that others use as well, and takes away what was made there. */
export const measureRunning = async ({ writes, login, ...load }: RunningLoad): Promise<Measured> => {
  const made: string[] = []
  const onAnswer = ({ kind }: Order, body: string) => {
    if (kind === 'projects.create') made.push(idIn(body))
  }
  const side = await Side.open({ ...load, people: [login], writes: writes ? 'projects' : 'none', onAnswer })
  try {
    return await side.round(load.seconds)
  } finally {
    await removeProjects(load.url, login, made)
  }
}

const idIn = (answer: string): string =>
  (JSON.parse(answer) as { result: { data: { json: { id: string } } } }).result.data.json.id

/** A server that limits its callers lets this one pass again within a minute. */
const RETRIES = { tries: 15, everyMs: 5_000 }

const removeProjects = async (url: string, login: Login, ids: readonly string[]): Promise<void> => {
  if (ids.length === 0) return
  const { token } = await patiently(() => logIn(url, login))
  for (const [removed, id] of ids.entries()) {
    await patiently(() => call(url, token, 'DELETE', `/api/projects/${id}`)).catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`${ids.length - removed} projects named "Load test" were left behind: ${why}`, { cause })
    })
  }
}

const patiently = async <T>(attempt: () => Promise<T>): Promise<T> => {
  for (let tried = 1; ; tried += 1) {
    try {
      return await attempt()
    } catch (error) {
      const isLimited = error instanceof RefusedError && error.status === 429
      if (!isLimited || tried === RETRIES.tries) throw error
      await sleep(RETRIES.everyMs)
    }
  }
}
