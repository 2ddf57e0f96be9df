import { AesGcmSealer } from '../adapters/secrets/aes-gcm-sealer.js'
import { loadSecrets } from '../adapters/secrets/load-secrets.js'
import type { Config } from '../config/config.js'
import type { Clock } from '../kernel/index.js'
import { AccessTokens } from '../modules/auth/access-tokens.js'
import { Seals } from '../modules/audit/seals.js'
import { DownloadLinks } from '../modules/exports/download-links.js'

/** Whatever seals or signs, on the server's keys. @throws KeyFileError */
export const openSecrets = async ({ dataDir, auth }: Pick<Config, 'dataDir' | 'auth'>, clock: Clock) => {
  const secrets = await loadSecrets({ dataDir, ...auth })
  return {
    sealer: new AesGcmSealer(secrets.sealingKeys),
    tokens: new AccessTokens({ keys: secrets.signingKeys, lifetimeSeconds: auth.accessTokenSeconds, clock }),
    auditSeals: new Seals(secrets.auditKeys),
    links: new DownloadLinks(secrets.linkKeys, clock),
  }
}
