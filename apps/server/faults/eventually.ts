import { setTimeout as sleep } from 'node:timers/promises'

const PATIENCE_MS = 60_000
const PAUSE_MS = 50

/**
 * Looks until there is something to see: anything but null, undefined and false.
 * @throws Error that says what never came
 */
export const eventually = async <T>(
  what: string,
  look: () => Promise<T | null | undefined | false> | T | null | undefined | false,
  { withinMs = PATIENCE_MS, everyMs = PAUSE_MS } = {},
): Promise<T> => {
  const until = performance.now() + withinMs
  for (;;) {
    const seen = await look()
    if (seen !== null && seen !== undefined && seen !== false) return seen
    if (performance.now() > until) throw new Error(`Waited ${Math.round(withinMs / 1000)} s in vain until ${what}.`)
    await sleep(everyMs)
  }
}
