import { createHash, randomBytes } from 'node:crypto'

/** 32 random bytes; opaque to whoever holds it. */
export const newRefreshToken = (): string => randomBytes(32).toString('base64url')

/** What is stored of it. Without a salt, since it has more entropy than anybody could try. */
export const refreshTokenHash = (token: string): string => createHash('sha256').update(token).digest('hex')
