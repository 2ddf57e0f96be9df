import { isConnectionLost } from './errors.js'
import { repeated } from './repeated.js'

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
export const repeatedRead = <T>(what: Operation, run: () => Promise<T>): Promise<T> =>
  isRead(what)
    ? repeated(run, { tries: TRIES, firstPauseMs: FIRST_PAUSE_MS, random: Math.random, mayRepeat: isConnectionLost })
    : run()
