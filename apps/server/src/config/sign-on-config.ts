import { ConfigError } from './read-settings.js'
import type { SettingName, SettingValues } from './settings.js'

/** The OpenID provider that people may sign on at. */
export interface SignOnConfig {
  issuer: string
  clientId: string
  /** Null: a public client. */
  clientSecret: string | null
  scopes: string
  groupsClaim: string
  /** The first that fits counts; empty: roles are given by admins alone. */
  roles: readonly { group: string; role: string }[]
  /** Null: whoever is in none of the groups is refused. */
  defaultRole: string | null
  /** For the button. */
  name: string
  /** How users reach this server. */
  publicUrl: string
}

/** Without an issuer they would be left aside in silence, and nobody could sign on. */
const NEED_AN_ISSUER = ['OIDC_CLIENT_ID', 'OIDC_CLIENT_SECRET', 'OIDC_DEFAULT_ROLE'] as const satisfies SettingName[]

/** Null: there is no single sign-on. @throws ConfigError when only a part of it is set */
export const signOnOf = (values: SettingValues): SignOnConfig | null => {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId, OIDC_ROLES: roles, PUBLIC_URL: publicUrl } = values
  if (issuer === null) {
    const alone: string[] = NEED_AN_ISSUER.filter((name) => values[name] !== null)
    if (roles.length > 0) alone.push('OIDC_ROLES')
    if (alone.length === 0) return null
    throw new ConfigError([`OIDC_ISSUER is missing: ${alone.join(', ')} would do nothing without it`])
  }
  if (clientId === null || publicUrl === null) throw new ConfigError(missing(clientId, publicUrl))
  return {
    ...{ issuer, clientId, clientSecret: values.OIDC_CLIENT_SECRET, scopes: values.OIDC_SCOPES, roles, publicUrl },
    ...{ groupsClaim: values.OIDC_GROUPS_CLAIM, defaultRole: values.OIDC_DEFAULT_ROLE, name: values.OIDC_NAME },
  }
}

const missing = (clientId: string | null, publicUrl: string | null): string[] => [
  ...(clientId === null ? ['OIDC_CLIENT_ID is missing: the provider of OIDC_ISSUER knows this server by it'] : []),
  ...(publicUrl === null ? ['PUBLIC_URL is missing: the provider of OIDC_ISSUER sends people back there'] : []),
]
