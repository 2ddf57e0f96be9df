import { z } from 'zod'

import { displayName, emailAddress, newPassword, passwordText, userRole } from './auth.js'
import { exportFormat } from './exports.js'
import { idempotencyKey, idOf } from './ids.js'
import { pageInput } from './pagination.js'

/** `invited`: has neither chosen a password nor signed on yet. */
export const userState = z.enum(['active', 'invited', 'disabled'])
export type UserState = z.infer<typeof userState>

/** An account, as admins see it. */
export const userAccount = z.object({
  id: idOf('user'),
  email: z.string(),
  displayName: z.string(),
  role: userRole,
  state: userState,
  disabledAt: z.date().nullable(),
  version: z.int(),
  createdAt: z.date(),
  updatedAt: z.date(),
})
export type UserAccount = z.infer<typeof userAccount>

export const listUsersInput = z.strictObject({
  ...pageInput,
  role: userRole.optional(),
  state: userState.optional(),
  /** Part of the address or the name, in whatever case. */
  search: z.string().trim().min(1).max(100).optional(),
})
export type ListUsersInput = z.infer<typeof listUsersInput>

export const createUserInput = z.strictObject({
  email: emailAddress,
  /** @default what stands before the `@` */
  displayName: displayName.optional(),
  role: userRole,
  /** Without one the user is invited, and chooses it. */
  password: newPassword.optional(),
  idempotencyKey: idempotencyKey.optional(),
})
export type CreateUserInput = z.infer<typeof createUserInput>

/** How somebody gets to choose a password. */
export const passwordLink = z.object({
  purpose: z.enum(['invitation', 'reset']),
  expiresAt: z.date(),
  /** Whether it is mailed to the user; else whoever asked has to pass `token` and `link` on. */
  isMailed: z.boolean(),
  token: z.string().nullable(),
  /** Null when it is mailed, or the server does not know how users reach it (`PUBLIC_URL`). */
  link: z.string().nullable(),
})
export type PasswordLink = z.infer<typeof passwordLink>

export const createdUser = z.object({
  user: userAccount,
  /** Null when a password was given. */
  invitation: passwordLink.nullable(),
})
export type CreatedUser = z.infer<typeof createdUser>

export const updateUserInput = z.strictObject({
  id: idOf('user'),
  ifVersion: z.int().optional(),
  displayName: displayName.optional(),
  role: userRole.optional(),
})
export type UpdateUserInput = z.infer<typeof updateUserInput>

export const orderUserExportInput = z.strictObject({
  id: idOf('user'),
  format: exportFormat.default('json'),
})

export const deleteUserInput = z.strictObject({
  id: idOf('user'),
  /** A finished export of all of the user's data. */
  exportId: idOf('export').optional(),
  /** Says that none is wanted. */
  waiveExport: z.boolean().default(false),
})
export type DeleteUserInput = z.infer<typeof deleteUserInput>

/** Of oneself. Another address needs the password. */
export const updateProfileInput = z.strictObject({
  displayName: displayName.optional(),
  email: emailAddress.optional(),
  currentPassword: passwordText.optional(),
})
export type UpdateProfileInput = z.infer<typeof updateProfileInput>

export const changePasswordInput = z.strictObject({
  currentPassword: passwordText,
  newPassword,
  /** Whether one's API keys end, too. @default false */
  revokeApiKeys: z.boolean().optional(),
})
export type ChangePasswordInput = z.infer<typeof changePasswordInput>

/** What an invitation or a reset is answered with. */
export const choosePasswordInput = z.strictObject({ token: z.string().min(20).max(200), password: newPassword })
export type ChoosePasswordInput = z.infer<typeof choosePasswordInput>

export const resetPasswordInput = choosePasswordInput.extend({
  /** Whether the user's API keys end, too. @default true */
  revokeApiKeys: z.boolean().optional(),
})
export type ResetPasswordInput = z.infer<typeof resetPasswordInput>
