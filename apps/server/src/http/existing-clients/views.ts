import type { CurrentUser, Project, TokenPair } from '@gantry/schemas'

/** As clients of old know them; what Gantry knows beyond that is left out. */
export const oldProject = ({ id, name, status, createdAt }: Project) => ({ id, name, status, createdAt })

/** They know two roles. */
export const oldUser = ({ email, role }: Pick<CurrentUser, 'email' | 'role'>) => ({
  email,
  role: role === 'admin' ? role : 'operator',
})

export const oldTokens = ({ accessToken, refreshToken }: TokenPair) => ({ token: accessToken, refreshToken })
