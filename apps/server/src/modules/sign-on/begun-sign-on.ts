import { z } from 'zod'

import type { CredentialSealer } from '../printers/printers.ports.js'

/** A sign-on from its beginning until the browser comes back; it travels sealed, in a cookie of that browser. */
const begunSignOn = z.strictObject({
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  /** A whole URL; null: a page of this server that says that it is done. */
  returnTo: z.string().nullable(),
  /** Of the client's own verifier; null: the session goes into cookies. */
  challenge: z.string().nullable(),
  purpose: z.enum(['login', 'link']),
  fresh: z.boolean(),
  /** Milliseconds since 1970. */
  expiresAtMs: z.number(),
})
export type BegunSignOn = z.infer<typeof begunSignOn>

const AT = { place: 'sign-on cookie', id: 'browser' } as const

export const sealedSignOn = (sealer: CredentialSealer, begun: BegunSignOn): string =>
  sealer.seal(JSON.stringify(begun), AT)

/** Null: it was not sealed here, or was changed. */
export const openedSignOn = (sealer: CredentialSealer, cookie: string | null): BegunSignOn | null => {
  if (cookie === null) return null
  try {
    return begunSignOn.parse(JSON.parse(sealer.open(cookie, AT)))
  } catch {
    return null
  }
}
