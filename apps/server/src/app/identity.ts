import type { Config } from '../config/config.js'
import type { Lifecycle, Logger, Timers } from '../kernel/index.js'
import type { AccessTokens } from '../modules/auth/access-tokens.js'
import { AuthService, type AuthServiceOptions } from '../modules/auth/auth.service.js'
import { Reauthentication } from '../modules/auth/reauthentication.js'
import { SecondFactors } from '../modules/auth/second-factors.js'
import { SessionAuthenticator } from '../modules/auth/session-authenticator.js'
import { UsersService } from '../modules/users/users.service.js'
import type { CredentialSealer } from '../modules/printers/printers.ports.js'
import { openLoginLimiter } from './login-limiter.js'
import type { Persistence } from './persistence.js'

export interface IdentityDeps {
  config: Pick<Config, 'auth' | 'cache'>
  persistence: Pick<Persistence, 'unitOfWork' | 'reads' | 'bus'>
  tokens: AccessTokens
  sealer: CredentialSealer
  loginEnded: NonNullable<AuthServiceOptions['loginEnded']>
  clock: Timers
  log: Logger
  lifecycle: Pick<Lifecycle, 'onStop'>
}

/** Who is who: logins, sessions and second factors. */
export const composeIdentity = (deps: IdentityDeps) => {
  const { persistence, tokens, sealer, loginEnded, clock } = deps
  const { refreshTokenDays, isRegistrationOpen } = deps.config.auth
  const { unitOfWork, reads, bus } = persistence
  const authenticator = new SessionAuthenticator({ tokens, reads, bus, clock })
  const limiter = openLoginLimiter(deps)
  const reauthentication = new Reauthentication({ reads, limiter })
  const secondFactors = new SecondFactors({ unitOfWork, reads, sealer, reauthentication })
  const auth = new AuthService({
    ...{ unitOfWork, reads, tokens, limiter, secondFactors, loginEnded },
    forgetSession: (sessionId) => authenticator.forget(sessionId),
    refreshTokenDays,
  })
  const users = new UsersService({ unitOfWork, limiter, isRegistrationOpen })
  return { authenticator, services: { auth, secondFactors, users } }
}
