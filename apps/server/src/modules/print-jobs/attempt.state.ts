import type { AttemptState } from '@gantry/schemas'

/** Every step an attempt may take. An attempt that has ended stays as it is. */
const NEXT: Readonly<Record<AttemptState, readonly AttemptState[]>> = {
  claimed: ['uploading', 'revoked', 'cancelled', 'unknown'],
  uploading: ['starting', 'revoked', 'cancelled', 'unknown'],
  starting: ['printing', 'paused', 'completed', 'failed', 'cancelled', 'revoked', 'unknown'],
  printing: ['paused', 'completed', 'failed', 'cancelled', 'unknown'],
  paused: ['printing', 'completed', 'failed', 'cancelled', 'unknown'],
  unknown: ['printing', 'paused', 'completed', 'failed', 'cancelled', 'revoked'],
  completed: [],
  failed: [],
  cancelled: [],
  revoked: [],
}

export const mayFollow = (from: AttemptState, to: AttemptState): boolean => NEXT[from].includes(to)
