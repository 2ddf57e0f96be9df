import { OpenIdProvider } from '../adapters/openid/openid-provider.js'
import type { Config } from '../config/config.js'
import { isLoopbackUrl } from '../config/setting-types.js'
import { SIGN_ON_PATH, type Clock, type Lifecycle, type Logger } from '../kernel/index.js'
import type { AuthService, LoginEnded } from '../modules/auth/auth.service.js'
import type { Reauthentication } from '../modules/auth/reauthentication.js'
import type { LoginLimiter } from '../modules/auth/login-limiter.js'
import type { CredentialSealer } from '../modules/printers/printers.ports.js'
import { Entrance } from '../modules/sign-on/entrance.js'
import { IdentitiesService } from '../modules/sign-on/identities.service.js'
import { SignOnService, type OfferedSignOn } from '../modules/sign-on/sign-on.service.js'
import { PRIVATE_CIDRS } from '../net/address-policy.js'
import { createConnector } from '../net/connector.js'
import type { Persistence } from './persistence.js'

export interface SignOnDeps {
  config: Pick<Config, 'signOn' | 'http' | 'auth'>
  persistence: Pick<Persistence, 'unitOfWork' | 'reads'>
  auth: AuthService
  limiter: LoginLimiter
  reauthentication: Reauthentication
  sealer: CredentialSealer
  loginEnded: LoginEnded
  forgetSession: (sessionId: string) => void
  forgetUser: (userId: string) => void
  clock: Clock
  log: Logger
  lifecycle: Lifecycle
}

/** Addresses between carriers and their customers, which private networks of today use, too. */
const SHARED_CIDR = '100.64.0.0/10'

const openProvider = (
  { signOn, http }: SignOnDeps['config'],
  { clock, log, lifecycle }: Pick<SignOnDeps, 'clock' | 'log' | 'lifecycle'>,
): OfferedSignOn | null => {
  if (signOn === null) return null
  const { name, publicUrl, roles, defaultRole, ...ofProvider } = signOn
  // Who runs the server named the provider: it may be anywhere, and leads to this machine only where it is named so.
  const connector = createConnector({
    ...{ allowPublic: true, allowedCidrs: [...PRIVATE_CIDRS, SHARED_CIDR] },
    allowLoopback: isLoopbackUrl(signOn.issuer),
  })
  lifecycle.onStop('connections to the identity provider', () => connector.close())
  const callbackUrl = `${publicUrl}${SIGN_ON_PATH}/callback`
  return {
    name,
    provider: new OpenIdProvider({ ...ofProvider, callbackUrl, connector, clock }),
    entrance: new Entrance({ roles, defaultRole }, log),
    pages: { publicUrl, corsOrigins: http.corsOrigins },
  }
}

/** Logging in at an identity provider, where one is set up. */
export const composeSignOn = ({ config, persistence, ...deps }: SignOnDeps) => {
  const { unitOfWork, reads } = persistence
  const { isRegistrationOpen } = config.auth
  const signOn = new SignOnService({ ...deps, unitOfWork, isRegistrationOpen, offered: openProvider(config, deps) })
  return { signOn, identities: new IdentitiesService({ ...deps, unitOfWork, reads, signOn }) }
}
