import { hash, verify } from '@node-rs/argon2'

/** OWASP's minimum for Argon2id (the library's default kind): 19 MiB, two passes, one lane. */
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** The hash, with the parameters above, of random bytes that nobody kept. */
const NOBODYS_HASH = '$argon2id$v=19$m=19456,t=2,p=1$1Dk78T5L2pxuT94X4R+OBA$pq00gjazKlb5GWwal7DHH7rT9wmPbpNMtW210CP88/c'

export const hashPassword = (password: string): Promise<string> => hash(password, PARAMETERS)

/** False, after as long a time, also when there is no such account (`passwordHash` null). */
export const verifyPassword = async (passwordHash: string | null, password: string): Promise<boolean> => {
  const isRight = await verify(passwordHash ?? NOBODYS_HASH, password)
  return isRight && passwordHash !== null
}
