import { GantryError } from '../../kernel/index.js'

/** Those who may everything. There is always one who may log in. */
export interface AdminRepository {
  /** Nobody else changes who is an admin until the transaction ends. */
  lockAdmins(): Promise<void>
  /** How many admins beside this one have a password, are not disabled and see the whole farm. */
  otherAdmins(userId: string): Promise<number>
}

/** Called before a user stops being an admin who may log in and sees the whole farm, with the admins locked. @throws GantryError `INVALID_STATE` */
export const keepAnAdmin = async (admins: AdminRepository, userId: string): Promise<void> => {
  if ((await admins.otherAdmins(userId)) > 0) return
  throw new GantryError('INVALID_STATE', { params: { detail: 'this is the last admin who may log in' } })
}
