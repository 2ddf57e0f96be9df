import type { SealedAt } from '../../kernel/index.js'

/** The page of the web app on which a password is chosen. Behind `#`, so that no server and no log sees the token. */
export const passwordPage = (publicUrl: string, purpose: 'invitation' | 'reset', token: string): string =>
  `${publicUrl}/#/${purpose}/${token}`

/** For whom the token in a mail, or in a kept answer, is sealed. */
export const passwordLinkAt = (userId: string): SealedAt => ({ place: 'password link', id: userId })
