import type { Config } from '../config/config.js'
import { SessionsService } from '../modules/auth/sessions.service.js'
import { AccountService, type AccountServiceDeps } from '../modules/users/account.service.js'
import type { CredentialSealer } from '../modules/printers/printers.ports.js'
import { PasswordLinks } from '../modules/users/password-links.js'
import { UsersService, type UsersServiceDeps } from '../modules/users/users.service.js'
import type { Persistence } from './persistence.js'

interface AccountsDeps
  extends
    Pick<UsersServiceDeps, 'limiter' | 'exports' | 'forgetSession'>,
    Pick<AccountServiceDeps, 'reauthentication' | 'forgetKey'> {
  config: Pick<Config, 'auth' | 'http' | 'mail'>
  persistence: Pick<Persistence, 'unitOfWork' | 'reads'>
  sealer: CredentialSealer
}

/** The services of people's accounts. */
export const composeAccounts = ({ config, persistence, sealer, ...rest }: AccountsDeps) => {
  const { unitOfWork, reads } = persistence
  const canMail = config.mail.smtpUrl !== null
  const links = new PasswordLinks({ sealer, publicUrl: config.http.publicUrl, canMail })
  const shared = { ...rest, unitOfWork, reads, links }
  return {
    account: new AccountService(shared),
    sessions: new SessionsService(shared),
    users: new UsersService({ ...shared, isRegistrationOpen: config.auth.isRegistrationOpen }),
  }
}
