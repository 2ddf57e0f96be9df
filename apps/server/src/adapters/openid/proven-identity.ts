import { emailAddress } from '@gantry/schemas'

import type { ProvenIdentity } from '../../modules/sign-on/sign-on.ports.js'

export type Claims = Readonly<Record<string, unknown>>

const LONGEST_NAME = 100
const LONGEST_GROUP = 200
const MOST_GROUPS = 1_000

/** By its whole name, or else with dots for one inside another: names of claims may be URLs. */
const claimAt = (claims: Claims, path: string): unknown => {
  if (Object.hasOwn(claims, path)) return claims[path]
  return path
    .split('.')
    .reduce<unknown>(
      (value, name) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Claims)[name] : undefined,
      claims,
    )
}

/** Whether the claims say nothing of it, so that it is worth asking the provider once more. */
export const lacks = (claims: Claims, path: string): boolean => claimAt(claims, path) === undefined

/** One group may come as a text; what is no text is left out. */
const groupsIn = (claims: Claims, path: string): string[] => {
  const found = claimAt(claims, path)
  const groups: unknown[] = Array.isArray(found) ? found.slice(0, MOST_GROUPS) : [found]
  return groups.filter((group) => typeof group === 'string').filter(({ length }) => length <= LONGEST_GROUP)
}

/** Microsoft's providers have no `email_verified`, but say whether the owner of the address's domain was verified. */
const isVerified = ({ email_verified: verified, xms_edov: ownedDomain }: Claims, issuer: string): boolean => {
  if (verified !== undefined) return verified === true
  if (!issuer.startsWith('https://login.microsoftonline.com/')) return false
  return [true, 1, '1', 'true'].includes(ownedDomain as string)
}

const emailIn = (claims: Claims, issuer: string): string | null =>
  isVerified(claims, issuer) ? (emailAddress.safeParse(claims['email']).data ?? null) : null

const nameIn = (claims: Claims): string | null => {
  const names = [claims['name'], claims['preferred_username']]
  // What cannot be seen, and what turns the direction of a text, would make one person look like another.
  const plain = names.map((name) => (typeof name === 'string' ? name.replaceAll(/\p{C}/gu, '').trim() : ''))
  return plain.find((name) => name !== '')?.slice(0, LONGEST_NAME) ?? null
}

/** What of the provider's claims counts here. */
export const provenIdentity = (
  claims: Claims & { iss: string; sub: string },
  { groupsClaim }: { groupsClaim: string },
): ProvenIdentity => ({
  issuer: claims.iss,
  subject: claims.sub,
  email: emailIn(claims, claims.iss),
  displayName: nameIn(claims),
  groups: groupsIn(claims, groupsClaim),
})
