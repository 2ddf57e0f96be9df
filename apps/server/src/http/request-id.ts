import { randomUUID } from 'node:crypto'

/** The caller's `X-Request-Id` if it is short and harmless in a log, else a new one. */
export const requestIdOf = (header: string | string[] | undefined): string =>
  typeof header === 'string' && /^[\w.:-]{1,64}$/.test(header) ? header : randomUUID()
