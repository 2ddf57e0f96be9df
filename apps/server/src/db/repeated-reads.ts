import { setTimeout as sleep } from 'node:timers/promises'

import { jittered } from '../kernel/random.js'
import { isConnectionLost, isTransient } from './errors.js'

const TRIES = 5
const FIRST_PAUSE_MS = 50

const READING: ReadonlySet<string> = new Set([
  ...['findUnique', 'findUniqueOrThrow', 'findFirst', 'findFirstOrThrow', 'findMany'],
  ...['count', 'aggregate', 'groupBy'],
])

interface Operation {
  operation: string
  args: unknown
}

const isRead = ({ operation, args }: Operation): boolean => {
  if (operation !== '$queryRaw') return READING.has(operation)
  const { sql } = args as { sql?: string }
  return sql !== undefined && /^\s*select\b/i.test(sql)
}

/**
 * Makes a read again that met a broken connection or a server that is just restarting: at most five times within about
 * a second and a half, so that a database that is gone for long is still told soon. Everything else is made once.
 */
export const repeated = async <T>(what: Operation, run: () => Promise<T>): Promise<T> => {
  for (let tried = 1; ; tried += 1) {
    try {
      return await run()
    } catch (error) {
      const mayPass = isConnectionLost(error) || isTransient(error)
      if (tried === TRIES || !mayPass || !isRead(what)) throw error
      await sleep(jittered(FIRST_PAUSE_MS * 2 ** tried, Math.random))
    }
  }
}
