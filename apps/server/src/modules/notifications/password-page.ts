import type { SealedAt } from '../../kernel/index.js'

/** The page on which a password is chosen. The token stands behind `#`, so that no server and no log sees it. */
export const passwordPage = (publicUrl: string, purpose: 'invitation' | 'reset', token: string): string =>
  `${publicUrl}/account/password#${purpose}=${token}`

/** For whom the token in a mail, or in a kept answer, is sealed. */
export const passwordLinkAt = (userId: string): SealedAt => ({ place: 'password link', id: userId })
