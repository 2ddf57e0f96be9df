import { createHash, randomBytes } from 'node:crypto'

import { Secret, TOTP } from 'otpauth'

const STEP_SECONDS = 30
/** Clocks of phones: the code before and the one after are taken, too. */
const STEPS_AROUND = 1
const SEED_BYTES = 20
const RECOVERY_CODES = 10
/** Without letters and digits that look alike. */
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz023456789'
const RECOVERY_LENGTH = 16

const totpOf = (secret: Secret, label?: string) =>
  new TOTP({ issuer: 'Gantry', secret, algorithm: 'SHA1', digits: 6, period: STEP_SECONDS, ...(label && { label }) })

/** A seed in base32, for one user. */
export const newSeed = (): string => new Secret({ size: SEED_BYTES }).base32

/** What authenticator apps read as a QR code. */
export const seedUri = (seed: string, email: string): string => totpOf(Secret.fromBase32(seed), email).toString()

/** Without what people type between the groups. */
export const plainCode = (typed: string): string => typed.replaceAll(/[\s-]/g, '').toLowerCase()

/** The half minute, counted since 1970, that the code belongs to; null when it is none of now. */
export const stepOf = (seed: string, code: string, now: Date): number | null => {
  if (!/^\d{6}$/.test(code)) return null
  const totp = totpOf(Secret.fromBase32(seed))
  const timestamp = now.getTime()
  const delta = totp.validate({ token: code, timestamp, window: STEPS_AROUND })
  return delta === null ? null : totp.counter({ timestamp }) + delta
}

const recoveryCode = (): string =>
  [...randomBytes(RECOVERY_LENGTH)].map((byte) => ALPHABET[byte % ALPHABET.length]).join('')

/** Ten of 80 bits, in groups of four. */
export const newRecoveryCodes = (): string[] =>
  Array.from({ length: RECOVERY_CODES }, () => recoveryCode().replaceAll(/(.{4})(?=.)/g, '$1-'))

/** What is stored of it. Without a salt, since it has more entropy than anybody could try. */
export const recoveryCodeHash = (code: string): string => createHash('sha256').update(plainCode(code)).digest('hex')
