import { z } from 'zod'

import { setting } from './setting.js'
import { issuerUrl, roleMap, scopeList } from './setting-types.js'

/** Those of single sign-on, in the order of the reference page. */
export const SIGN_ON_SETTINGS = {
  OIDC_ISSUER: setting(
    issuerUrl().nullable().default(null),
    'unset',
    'Issuer of the OpenID provider that people may sign on at, such as https://sso.example.org/realms/lab; https, or http on this machine. Needs OIDC_CLIENT_ID and PUBLIC_URL. Unset: no single sign-on.',
  ),
  OIDC_CLIENT_ID: setting(
    z.string().max(500).nullable().default(null),
    'unset',
    'What the provider calls this installation. Its redirect URI there is PUBLIC_URL with /api/auth/sso/callback.',
  ),
  OIDC_CLIENT_SECRET: setting(
    z.string().max(1_000).nullable().default(null),
    'unset',
    'Secret of that client. Unset: a public client, which proves itself by PKCE alone.',
    { secret: true },
  ),
  OIDC_SCOPES: setting(
    scopeList().default('openid profile email'),
    'openid profile email',
    'Scopes that are asked for, separated by spaces; openid must be one.',
  ),
  OIDC_GROUPS_CLAIM: setting(
    z.string().min(1).max(200).default('groups'),
    'groups',
    'Claim that names the groups of a person; with dots for one inside another, such as realm_access.roles.',
  ),
  OIDC_ROLES: setting(
    roleMap(),
    'unset',
    'Which role the people of a group have, such as gantry-admins=admin,makers=operator; the first that fits counts, at every sign-on. A role is viewer, operator, admin or the name of one that was made; commas and = in names are percent-encoded. Unset: roles are given by admins alone.',
  ),
  OIDC_DEFAULT_ROLE: setting(
    z.string().min(1).max(50).nullable().default(null),
    'unset',
    'Role of whoever is in none of these groups. Unset: they are refused, and without OIDC_ROLES whoever has no account.',
  ),
  OIDC_NAME: setting(
    z.string().min(1).max(100).default('Single sign-on'),
    'Single sign-on',
    'What a button that signs on there is called.',
  ),
} as const
