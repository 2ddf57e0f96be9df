import type { Check } from './check.js'

/** An error that nobody caught, in a promise or elsewhere, ends the process; so does nothing else but who asks it to. */
export const endedServers: Check = {
  count: 'servers that ended by themselves',
  violations: ({ deaths }) => [...deaths],
}
