import * as openid from 'openid-client'

import type { Clock } from '../../kernel/index.js'
import type { IdentityProvider, ProvenIdentity, SignOnSecrets } from '../../modules/sign-on/sign-on.ports.js'
import type { Connector } from '../../net/connector.js'
import { connectorFetch } from './connector-fetch.js'
import { discoveryError, grantError } from './provider-errors.js'
import { lacks, provenIdentity, type Claims } from './proven-identity.js'

export interface OpenIdProviderOptions {
  issuer: string
  clientId: string
  /** Null: a public client. */
  clientSecret: string | null
  scopes: string
  groupsClaim: string
  /** Where the browser comes back; the provider knows it. */
  callbackUrl: string
  connector: Pick<Connector, 'request'>
  clock: Clock
  /** For each question. @default 5 000 */
  timeoutMs?: number
}

/** What a provider says of itself changes rarely; its keys the library asks for whenever it meets an unknown one. */
const METADATA_MS = 60 * 60_000
/** Long enough that a crowd at a provider which is away is not a crowd of waiting requests. */
const AFTER_FAILURE_MS = 2_000
/** For whoever was asked anew: how long ago that may be, on the way back. */
const FRESH_SECONDS = 5 * 60

/** As the standard has it. */
const SUBJECT = /^[\x20-\x7e]{1,255}$/

interface Known {
  configuration: openid.Configuration
  atMs: number
}

/** OpenID Connect: authorization code with PKCE. The provider is asked for the first time when somebody signs on. */
export class OpenIdProvider implements IdentityProvider {
  private known: Known | null = null
  private asking: Promise<openid.Configuration> | null = null
  private lastFailure: { error: unknown; atMs: number } | null = null

  constructor(private readonly options: OpenIdProviderOptions) {}

  async authorizationUrl({ state, nonce, verifier }: SignOnSecrets, fresh: boolean): Promise<URL> {
    const { scopes, callbackUrl } = this.options
    return openid.buildAuthorizationUrl(await this.configuration(), {
      ...{ response_type: 'code', redirect_uri: callbackUrl, scope: scopes, state, nonce },
      ...{ code_challenge: await openid.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256' },
      ...(fresh ? { prompt: 'login', max_age: '0' } : {}),
    })
  }

  async identityOf(answer: URLSearchParams, secrets: SignOnSecrets, fresh: boolean): Promise<ProvenIdentity> {
    const configuration = await this.configuration()
    const callback = new URL(this.options.callbackUrl)
    callback.search = answer.toString()
    const { state, nonce, verifier } = secrets
    try {
      const tokens = await openid.authorizationCodeGrant(configuration, callback, {
        ...{ expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true },
        ...(fresh ? { maxAge: FRESH_SECONDS } : {}),
      })
      const claims = tokens.claims()
      if (claims === undefined || !SUBJECT.test(claims.sub)) throw new TypeError('no ID token that names somebody')
      const more = await this.userInfo(configuration, tokens.access_token, claims)
      return provenIdentity(joined(claims, more), this.options)
    } catch (error) {
      throw grantError(error)
    }
  }

  /** Many providers tell groups and addresses only when they are asked once more. */
  private async userInfo(configuration: openid.Configuration, accessToken: string, claims: Claims & { sub: string }) {
    const isWhole = !lacks(claims, this.options.groupsClaim) && !lacks(claims, 'email')
    if (isWhole || configuration.serverMetadata().userinfo_endpoint === undefined) return {}
    return openid.fetchUserInfo(configuration, accessToken, claims.sub)
  }

  /** What is known is good for an hour, and longer while the provider is away. @throws GantryError `UNAVAILABLE` */
  private async configuration(): Promise<openid.Configuration> {
    const now = this.options.clock.now()
    if (this.known !== null && now - this.known.atMs < METADATA_MS) return this.known.configuration
    if (this.asking === null && this.lastFailure !== null && now - this.lastFailure.atMs < AFTER_FAILURE_MS) {
      return this.unlessKnown(this.lastFailure.error)
    }
    this.asking ??= this.discover().finally(() => {
      this.asking = null
    })
    return this.asking.catch((error: unknown) => this.unlessKnown(error))
  }

  private unlessKnown(error: unknown): openid.Configuration {
    if (this.known !== null) return this.known.configuration
    throw discoveryError(error)
  }

  private async discover(): Promise<openid.Configuration> {
    const { issuer, clientId, clientSecret, connector, clock, timeoutMs = 5_000 } = this.options
    const isPlain = issuer.startsWith('http://')
    try {
      const configuration = await openid.discovery(new URL(issuer), clientId, {}, clientAuthentication(clientSecret), {
        [openid.customFetch]: connectorFetch(connector, timeoutMs),
        timeout: timeoutMs / 1_000,
        // The library trusts TLS for what comes from the token endpoint itself; a signature that is not looked at is none.
        // eslint-disable-next-line @typescript-eslint/no-deprecated -- said so to stand out; on this machine alone
        execute: [openid.enableNonRepudiationChecks, ...(isPlain ? [openid.allowInsecureRequests] : [])],
      })
      this.known = { configuration, atMs: clock.now() }
      this.lastFailure = null
      return configuration
    } catch (error) {
      this.lastFailure = { error, atMs: clock.now() }
      throw error
    }
  }
}

/** What is signed counts before what is not; and of an address that is signed nothing vouches for another. */
const joined = <C extends Claims>(claims: C, more: Claims): C => {
  const isSame = claims['email'] === undefined || claims['email'] === more['email']
  const { email_verified: _verified, ...others } = more
  return { ...(isSame ? more : others), ...claims }
}

/** As the provider wants it; what the standard takes for granted, where it does not say. */
const clientAuthentication = (secret: string | null): openid.ClientAuth => {
  if (secret === null) return openid.None()
  const [basic, post] = [openid.ClientSecretBasic(secret), openid.ClientSecretPost(secret)]
  return (server, ...rest) => {
    const methods = server.token_endpoint_auth_methods_supported ?? ['client_secret_basic']
    return (methods.includes('client_secret_basic') ? basic : post)(server, ...rest)
  }
}
