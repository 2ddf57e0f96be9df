import type { PasswordRefusal } from '@gantry/schemas'

import { GantryError } from '../../kernel/index.js'

/** In characters of Unicode: a letter of any script is one. */
export const PASSWORD_LENGTH = { min: 8, max: 128 }

/** Shorter names of an address stand in too many words. */
const MIN_LOCAL_PART = 4

const REASONS: Readonly<Record<PasswordRefusal, string>> = {
  too_short: `it needs at least ${PASSWORD_LENGTH.min} characters`,
  too_long: `it may have at most ${PASSWORD_LENGTH.max} characters`,
  contains_email: 'it contains your e-mail address, which others know',
  common: 'it is among those that are tried first, since many people use it or it was found in a breach',
}

export interface NewPassword {
  password: string
  /** The account's address. */
  email: string
  /** The input that it came in. @default password */
  field?: string
}

/** The one rule for passwords that are chosen. @throws GantryError `PASSWORD_REFUSED` */
export const checkNewPassword = async ({ password, email, field = 'password' }: NewPassword): Promise<void> => {
  const reason = formRefusal(password, email) ?? ((await isCommon(password)) ? 'common' : null)
  if (reason === null) return
  const detail = REASONS[reason]
  throw new GantryError('PASSWORD_REFUSED', { params: { reason, detail }, fields: { [field]: [detail] } })
}

const formRefusal = (password: string, email: string): PasswordRefusal | null => {
  const { length } = Array.from(password)
  if (length < PASSWORD_LENGTH.min) return 'too_short'
  if (length > PASSWORD_LENGTH.max) return 'too_long'
  const [text, address] = [password.toLowerCase(), email.toLowerCase()]
  const [localPart = ''] = address.split('@')
  const isContained = localPart.length >= MIN_LOCAL_PART && text.includes(localPart)
  return isContained || text === address ? 'contains_email' : null
}

/** In lower case. */
const load = async (): Promise<ReadonlySet<string>> => {
  const { dictionary } = await import('@zxcvbn-ts/language-common')
  const passwords = dictionary['passwords-common'].map((password) => password.toLowerCase())
  // The rest is refused for its length.
  return new Set(passwords.filter(({ length }) => length >= PASSWORD_LENGTH.min))
}

let loaded: Promise<ReadonlySet<string>> | null = null

/** The list is unpacked when the first password is chosen, some 50 ms once; nobody who logs in waits for it. */
const isCommon = async (password: string): Promise<boolean> => (await (loaded ??= load())).has(password.toLowerCase())
