import { randomBytes } from 'node:crypto'

import { newId, type UnitOfWork } from '../../kernel/index.js'
import type { UserRepository } from './auth.ports.js'
import { hashPassword } from './passwords.js'

const DEFAULT_EMAIL = 'admin@gantry.local'

export interface FirstAdminOptions {
  unitOfWork: UnitOfWork<{ users: UserRepository }>
  users: Pick<UserRepository, 'isEmpty'>
  /** @default admin@gantry.local */
  email?: string
  /** @default random */
  password?: string
}

export interface FirstAdmin {
  email: string
  /** To be shown once; null when the password was given. */
  oneTimePassword: string | null
}

/**
 * Creates an admin when there is no user at all. Of two instances that start at once, one creates it.
 * @returns null when there were users
 */
export const ensureFirstAdmin = async (options: FirstAdminOptions): Promise<FirstAdmin | null> => {
  if (!(await options.users.isEmpty())) return null
  const email = (options.email ?? DEFAULT_EMAIL).toLowerCase()
  const password = options.password ?? randomBytes(15).toString('base64url')
  const passwordHash = await hashPassword(password)
  const isCreated = await options.unitOfWork.run(async ({ users }) => {
    await users.lockFirst()
    if (!(await users.isEmpty())) return false
    await users.create({ id: newId('user'), email, displayName: 'Administrator', passwordHash, role: 'admin' })
    return true
  })
  if (!isCreated) return null
  return { email, oneTimePassword: options.password === undefined ? password : null }
}
