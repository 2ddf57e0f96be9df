import { z } from 'zod'

import { passwordText } from './auth.js'
import { idOf } from './ids.js'

/** Why nobody was let in by the identity provider: its user said no, it took too long, or what came back is not right. */
export const signOnFailure = z.enum(['denied', 'expired', 'invalid'])
export type SignOnFailure = z.infer<typeof signOnFailure>

/** Why somebody is not let in although the identity provider vouches for them. */
export const signOnRefusal = z.enum([
  /** None of their groups has a role here, and there is no role for everybody. */
  'no_role',
  /** An account has their address, and is not theirs before its owner links it. */
  'account_exists',
  /** A new account needs an address that the provider has verified. */
  'no_email',
  'disabled',
  /** The identity belongs to another account. */
  'identity_taken',
])
export type SignOnRefusal = z.infer<typeof signOnRefusal>

/** The ways in, for a page that logs in. */
export const loginMethods = z.object({
  password: z.boolean(),
  /** Whether people may make themselves an account. */
  registration: z.boolean(),
  /** Null: there is no identity provider. */
  signOn: z
    .object({
      /** For the button. */
      name: z.string(),
      /** To be opened in the browser, with `return_to`. */
      url: z.string(),
    })
    .nullable(),
})
export type LoginMethods = z.infer<typeof loginMethods>

/** What a sign-on that began with a `code_challenge` came back with, and what the challenge was made of (RFC 7636). */
export const signOnTicket = z.strictObject({
  ticket: z.string().min(20).max(200),
  codeVerifier: z.string().regex(/^[\w.~-]{43,128}$/, 'must be 43 to 128 letters, digits and - . _ ~'),
})
export type SignOnTicket = z.infer<typeof signOnTicket>

/** One's own password again; an account without one signs on afresh instead. */
export const linkIdentityInput = signOnTicket.extend({ password: passwordText.optional() })
export type LinkIdentityInput = z.infer<typeof linkIdentityInput>

export const unlinkIdentityInput = z.strictObject({ id: idOf('identity'), password: passwordText.optional() })
export type UnlinkIdentityInput = z.infer<typeof unlinkIdentityInput>

/** Somebody at an identity provider, who is let in as a user of this server. */
export const identity = z.object({
  id: idOf('identity'),
  issuer: z.string(),
  subject: z.string(),
  /** As the provider had verified it at the last sign-on; null: it had not. */
  email: z.string().nullable(),
  createdAt: z.date(),
  lastUsedAt: z.date().nullable(),
})
export type Identity = z.infer<typeof identity>

export const ownIdentities = z.object({
  /** Without one, whatever asks for the password takes a fresh sign-on instead. */
  hasPassword: z.boolean(),
  items: z.array(identity),
})
export type OwnIdentities = z.infer<typeof ownIdentities>
