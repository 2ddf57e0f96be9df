import type { StoredEvent } from '../../kernel/index.js'

type UserEvent = Extract<StoredEvent, { type: 'user.updated' | 'user.disabled' | 'user.deleted' }>

/** After which what is remembered of a user's rights must be asked anew. */
export const isAboutUser = (event: StoredEvent): event is UserEvent =>
  event.type === 'user.updated' || event.type === 'user.disabled' || event.type === 'user.deleted'
