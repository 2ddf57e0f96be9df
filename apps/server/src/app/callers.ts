import type { Config } from '../config/config.js'
import type { Lifecycle, Logger, Timers } from '../kernel/index.js'
import type { AccessTokens } from '../modules/auth/access-tokens.js'
import { ApiKeyAuthenticator } from '../modules/auth/api-key-authenticator.js'
import { ApiKeyUse } from '../modules/auth/api-key-use.js'
import { ApiKeysService } from '../modules/auth/api-keys.service.js'
import { AuthService, type AuthServiceOptions } from '../modules/auth/auth.service.js'
import { CallerAuthenticator } from '../modules/auth/caller-authenticator.js'
import type { LoginLimiter } from '../modules/auth/login-limiter.js'
import { Reauthentication, type ReauthenticationOptions } from '../modules/auth/reauthentication.js'
import { RolesService } from '../modules/auth/roles.service.js'
import { SecondFactors } from '../modules/auth/second-factors.js'
import { SessionAuthenticator } from '../modules/auth/session-authenticator.js'
import { UserScopesService } from '../modules/auth/user-scopes.service.js'
import type { CredentialSealer } from '../modules/printers/printers.ports.js'
import type { AccountServiceDeps } from '../modules/users/account.service.js'
import type { Services } from '../trpc/services.js'
import { openLoginLimiter } from './login-limiter.js'
import type { Persistence } from './persistence.js'
import { composeSignOn } from './sign-on.js'

export interface CallersDeps {
  config: Pick<Config, 'auth' | 'cache' | 'http' | 'signOn'>
  persistence: Pick<Persistence, 'unitOfWork' | 'reads' | 'callers' | 'bus'>
  tokens: AccessTokens
  sealer: CredentialSealer
  loginEnded: NonNullable<AuthServiceOptions['loginEnded']>
  proofRefused: NonNullable<ReauthenticationOptions['refused']>
  clock: Timers
  log: Logger
  lifecycle: Lifecycle
}

export interface Callers {
  authenticator: CallerAuthenticator
  /** For the services of accounts. */
  own: Pick<AccountServiceDeps, 'forgetSession' | 'forgetKey'> & {
    limiter: LoginLimiter
    reauthentication: Reauthentication
  }
  services: Pick<Services, 'auth' | 'apiKeys' | 'identities' | 'roles' | 'secondFactors' | 'signOn' | 'userScopes'>
}

/** Who calls, and what they may. The use of API keys is written until the database closes. */
export const openCallers = (deps: CallersDeps): Callers => {
  const { persistence, tokens, sealer, loginEnded, proofRefused, clock, log, lifecycle } = deps
  const { refreshTokenDays, sessionMaxDays } = deps.config.auth
  const { unitOfWork, reads, callers, bus } = persistence
  const use = new ApiKeyUse({ unitOfWork, clock, log })
  lifecycle.onStop('api key use', () => use.stop())
  use.start()
  const limiter = openLoginLimiter(deps)
  const sessions = new SessionAuthenticator({ tokens, callers, bus, clock })
  const keys = new ApiKeyAuthenticator({ callers, bus, clock, used: (keyId) => use.note(keyId) })
  const authenticator = new CallerAuthenticator(sessions, keys)
  const reauthentication = new Reauthentication({ reads, limiter, clock, refused: proofRefused })
  const secondFactors = new SecondFactors({ unitOfWork, reads, sealer, reauthentication })
  const forgetSession = (sessionId: string) => sessions.forget(sessionId)
  const auth = new AuthService({
    ...{ unitOfWork, reads, tokens, limiter, secondFactors, loginEnded, forgetSession, refreshTokenDays },
    sessionMaxDays,
  })
  const forgetUser = (userId: string) => authenticator.forget({ userId })
  const forgetKey = (keyId: string) => keys.forget(keyId)
  return {
    authenticator,
    own: { limiter, reauthentication, forgetSession, forgetKey },
    services: {
      auth,
      ...composeSignOn({ ...deps, auth, limiter, reauthentication, forgetSession, forgetUser }),
      apiKeys: new ApiKeysService({ unitOfWork, reads, reauthentication, forgetKey }),
      roles: new RolesService({ unitOfWork, reads, forget: (whom) => authenticator.forget(whom) }),
      secondFactors,
      userScopes: new UserScopesService({ unitOfWork, reads, forgetUser }),
    },
  }
}
