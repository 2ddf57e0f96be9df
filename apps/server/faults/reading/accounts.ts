import { randomBytes } from 'node:crypto'

import { newId } from '../../src/kernel/index.js'
import { hashPassword } from '../../src/modules/auth/passwords.js'
import type { Farm } from '../farm/farm.js'

export interface Account {
  email: string
  password: string
  role: 'operator' | 'viewer'
}

/** Makes an account; there is no other way to have several. */
export const newAccount = async ({ db }: Farm, name: string, role: Account['role']): Promise<Account> => {
  const [email, password] = [`${name}@bench.local`, randomBytes(12).toString('base64url')]
  await db.query(
    `INSERT INTO app_user (id, email, display_name, password_hash, role) VALUES ($1, $2, $3, $4, $5::user_role)`,
    [newId('user'), email, name, await hashPassword(password), role],
  )
  return { email, password, role }
}
