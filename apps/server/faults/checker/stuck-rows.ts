import type { Check } from './check.js'

export const stuckRows: Check = {
  count: 'rows stuck in a passing state',
  violations: ({ stuck }) =>
    stuck.map(({ what, id, state, seconds }) => `${what} ${id} was ${state} for ${Math.round(seconds)} s`),
}
