import { ACTIVE_ATTEMPT_STATES, type AttemptState } from '@gantry/schemas'

/** Every step an attempt may take. An attempt that has ended stays as it is. */
const NEXT: Readonly<Record<AttemptState, readonly AttemptState[]>> = {
  claimed: ['uploading', 'revoked'], // nothing of it has reached the host
  // A file that lies on the host may be started there by a person.
  uploading: ['starting', 'printing', 'paused', 'completed', 'failed', 'cancelled', 'revoked', 'unknown'],
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

/** Whether it still holds its printer and its copy. */
export const isActive = (state: AttemptState): boolean => (ACTIVE_ATTEMPT_STATES as readonly string[]).includes(state)
