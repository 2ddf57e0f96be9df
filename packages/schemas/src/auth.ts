import { z } from 'zod'

import { idOf } from './ids.js'

export const userRole = z.enum(['viewer', 'operator', 'admin'])
export type UserRole = z.infer<typeof userRole>

/** Six digits, or a recovery code; spaces and dashes do not count. */
export const oneTimeCode = z.string().min(6).max(40)

/** Compared and kept in lower case. */
export const emailAddress = z
  .email()
  .max(254)
  .transform((email) => email.toLowerCase())

/** 128 characters, of which one can be two units of UTF-16. */
export const passwordText = z.string().min(1).max(256)

/** Only bounded here: why it is refused is said by `PASSWORD_REFUSED`. */
export const newPassword = z.string().max(1_000)

/** Why a password cannot be chosen. */
export const passwordRefusal = z.enum(['too_short', 'too_long', 'contains_email', 'common'])
export type PasswordRefusal = z.infer<typeof passwordRefusal>

export const loginInput = z.strictObject({
  email: emailAddress,
  password: passwordText,
  /** Of the second factor, or a recovery code; asked for with `SECOND_FACTOR_REQUIRED`. */
  code: oneTimeCode.optional(),
})

export const displayName = z.string().trim().min(1).max(100)

export const registerInput = z.strictObject({
  email: emailAddress,
  password: newPassword,
  /** @default what stands before the `@` */
  displayName: displayName.optional(),
})

export const refreshInput = z.strictObject({ refreshToken: z.string().min(20).max(200) })

export const currentUser = z.object({
  id: idOf('user'),
  email: z.string(),
  displayName: z.string(),
  role: userRole,
  /** Nobody counts what this user does (`auth.setAnalyticsOptOut`). */
  analyticsOptOut: z.boolean(),
})
export type CurrentUser = z.infer<typeof currentUser>

/** A fresh pair of tokens. The refresh token works once; `accessToken` goes into `Authorization: Bearer`. */
export const tokenPair = z.object({
  accessToken: z.string(),
  accessTokenExpiresAt: z.date(),
  refreshToken: z.string(),
  refreshTokenExpiresAt: z.date(),
})
export type TokenPair = z.infer<typeof tokenPair>

/** When the cookies of a browser session run out; the tokens themselves no script ever sees. */
export const browserSession = tokenPair.pick({ accessTokenExpiresAt: true, refreshTokenExpiresAt: true })
export type BrowserSession = z.infer<typeof browserSession>

export const loginOutput = tokenPair.extend({ user: currentUser })

/** Whoever changes how one logs in says again who one is; an account without a password signs on afresh instead. */
export const reauthentication = z.strictObject({ password: passwordText.optional() })
export const reauthenticationWithCode = reauthentication.extend({ code: oneTimeCode })

export const secondFactorStatus = z.object({
  enabled: z.boolean(),
  /** Of ten; each works once. */
  recoveryCodesLeft: z.int(),
})
export type SecondFactorStatus = z.infer<typeof secondFactorStatus>

/** Shown once: for the authenticator app, by hand or as a QR code of `uri`. */
export const secondFactorSeed = z.object({
  /** Base32. */
  secret: z.string(),
  /** `otpauth://totp/…` */
  uri: z.string(),
})
export type SecondFactorSeed = z.infer<typeof secondFactorSeed>

/** Shown once. */
export const recoveryCodes = z.object({ recoveryCodes: z.array(z.string()) })
export type RecoveryCodes = z.infer<typeof recoveryCodes>
