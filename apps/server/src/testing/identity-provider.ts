import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose'
import Provider, { type Configuration } from 'oidc-provider'

/** Whoever sits at the browser. */
export interface Person {
  sub: string
  email?: string
  email_verified?: boolean
  name?: string
  groups?: string[]
}

/** What the next token answers have in place of the real ID token. */
export type Forgery = (claims: JWTPayload) => { claims: JWTPayload; withOtherKey?: boolean }

export interface TestIdentityProvider extends AsyncDisposable {
  issuer: string
  /** Who logs in there; null: whoever it is gives up. */
  person: Person | null
  /** `hangs`: takes requests and never answers. `away`: hangs up. */
  state: 'well' | 'hangs' | 'away' | 'nonsense'
  forge: Forgery | null
  /** What it was asked, as method and path. */
  requests: string[]
  /** For the settings of the server. */
  settings: Readonly<Record<string, string>>
}

export const CLIENT_SECRET = 'the-secret-of-the-client-at-the-provider'

const payloadOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as JWTPayload

/** Changes what is sent as a whole. */
const rewriting = (res: ServerResponse, change: (body: string) => Promise<string>): void => {
  const end = res.end.bind(res) as (body: string) => ServerResponse
  res.end = ((body: string | Buffer) => {
    void change(String(body)).then((changed) => {
      res.setHeader('Content-Length', Buffer.byteLength(changed))
      end(changed)
    })
    return res
  }) as typeof res.end
}

/** A real OpenID provider on a real socket, at which whoever it is told logs in without a page. */
export const startIdentityProvider = async (
  publicUrl: string,
  configuration: Configuration = {},
): Promise<TestIdentityProvider> => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const [own, other] = await Promise.all([1, 2].map(() => generateKeyPair('RS256', { extractable: true })))
  const jwk = { ...(await exportJWK(own!.privateKey)), kid: 'own', alg: 'RS256', use: 'sig' }
  const people = new Map<string, Person>()
  const provider = new Provider(issuer, {
    clients: [
      {
        ...{ client_id: 'gantry', client_secret: CLIENT_SECRET, response_types: ['code'] },
        ...{ grant_types: ['authorization_code'], redirect_uris: [`${publicUrl}/api/auth/sso/callback`] },
      },
    ],
    jwks: { keys: [jwk] },
    cookies: { keys: ['a key of cookies for tests'] },
    claims: { openid: ['sub', 'groups'], email: ['email', 'email_verified'], profile: ['name'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
    findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ ...people.get(id), sub: id }) }),
    loadExistingGrant: async ({ oidc }) => {
      const grant = new oidc.provider.Grant({ clientId: 'gantry', accountId: oidc.session?.accountId ?? '' })
      grant.addOIDCScope('openid email profile')
      await grant.save()
      return grant
    },
    ...configuration,
  })
  provider.on('server_error', (_ctx, error) => console.error(error))
  const answer = provider.callback()
  const rig: TestIdentityProvider = {
    ...{ issuer, person: null, state: 'well', forge: null, requests: [] },
    settings: {
      ...{ PUBLIC_URL: publicUrl, OIDC_ISSUER: issuer, OIDC_CLIENT_ID: 'gantry', OIDC_CLIENT_SECRET: CLIENT_SECRET },
    },
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  const forged = async (body: string): Promise<string> => {
    const tokens = JSON.parse(body) as { id_token?: string }
    if (rig.forge === null || tokens.id_token === undefined) return body
    const { claims, withOtherKey = false } = rig.forge(payloadOf(tokens.id_token))
    const key = withOtherKey ? other!.privateKey : own!.privateKey
    const idToken = await new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'own' }).sign(key)
    return JSON.stringify({ ...tokens, id_token: idToken })
  }
  server.on('request', (req, res) => {
    const [path = ''] = (req.url ?? '').split('?')
    rig.requests.push(`${req.method} ${path}`)
    if (rig.state === 'hangs') return
    if (rig.state === 'away') {
      req.socket.destroy()
      return
    }
    if (rig.state === 'nonsense') {
      res.writeHead(200, { 'Content-Type': 'text/html' }).end('<script>alert(1)</script>')
      return
    }
    if (path.startsWith('/interaction/')) {
      const { person } = rig
      if (person !== null) people.set(person.sub, person)
      const result =
        person === null
          ? { error: 'access_denied', error_description: '<b>they said no</b>' }
          : { login: { accountId: person.sub } }
      void provider.interactionFinished(req, res, result)
      return
    }
    if (path === '/token') rewriting(res, forged)
    void answer(req, res)
  })
  return rig
}
