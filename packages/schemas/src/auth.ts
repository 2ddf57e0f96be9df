import { z } from 'zod'

import { idOf } from './ids.js'

export const userRole = z.enum(['viewer', 'operator', 'admin'])
export type UserRole = z.infer<typeof userRole>

export const loginInput = z.strictObject({
  email: z
    .email()
    .max(254)
    .transform((email) => email.toLowerCase()),
  password: z.string().min(1).max(128),
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

export const loginOutput = tokenPair.extend({ user: currentUser })
