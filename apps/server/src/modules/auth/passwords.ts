import { availableParallelism } from 'node:os'

import { hash, verify } from '@node-rs/argon2'

import { Turns } from './turns.js'

/** OWASP's minimum for Argon2id (the library's default kind): 19 MiB, two passes, one lane. */
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** The hash, with the parameters above, of random bytes that nobody kept. */
const NOBODYS_HASH = '$argon2id$v=19$m=19456,t=2,p=1$1Dk78T5L2pxuT94X4R+OBA$pq00gjazKlb5GWwal7DHH7rT9wmPbpNMtW210CP88/c'

const MOST_AT_ONCE = 4

/**
 * Hashes are reckoned on libuv's four threads, which files and names of hosts need too: so they wait here, not there,
 * and no more run than there are cores. A hundred who wait are some seconds.
 */
const turns = new Turns({ atOnce: Math.min(MOST_AT_ONCE, availableParallelism()), waiting: 100, retryAfterSeconds: 2 })

/** @throws GantryError `UNAVAILABLE` when too many passwords are being hashed */
export const hashPassword = (password: string): Promise<string> => turns.run(() => hash(password, PARAMETERS))

/**
 * False, after as long a time, also when there is no such account or it has no password (`passwordHash` null).
 * @throws GantryError `UNAVAILABLE` when too many passwords are being hashed
 */
export const verifyPassword = async (passwordHash: string | null, password: string): Promise<boolean> => {
  const isRight = await turns.run(() => verify(passwordHash ?? NOBODYS_HASH, password))
  return isRight && passwordHash !== null
}

const FORM = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=\d+\$/

/** Whether it was made with less than what is asked for today. */
export const isWeakHash = (passwordHash: string): boolean => {
  const [, memoryCost, timeCost] = FORM.exec(passwordHash) ?? []
  return Number(memoryCost ?? 0) < PARAMETERS.memoryCost || Number(timeCost ?? 0) < PARAMETERS.timeCost
}
