import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'

import { tracked } from '@trpc/server'
import type { UserRole } from '@gantry/schemas'
import { z } from 'zod'

import { HealthChecks, type HealthCheck } from '../http/health/health-checks.js'
import { createHttpServer, type HttpServerOptions } from '../http/http-server.js'
import { SlidingWindowLimiter } from '../http/limits/sliding-window-limiter.js'
import { SYSTEM_ACTOR, type Actor, type Authenticator } from '../kernel/actor.js'
import { systemClock } from '../kernel/clock.js'
import { GantryError, notFound } from '../kernel/errors.js'
import { assertMay, inRole } from '../kernel/permissions.js'
import type { SurroundingHealth } from '../modules/system/surroundings.js'
import { createLogger } from '../observability/logger.js'
import { createMetrics } from '../observability/metrics.js'
import { router } from '../trpc/init.js'
import { liveStream, trackedStreamOf } from '../trpc/live-stream.js'
import { procedureFor, publicProcedure } from '../trpc/procedures.js'
import type { Services } from '../trpc/services.js'

/** A small API with one procedure of each kind, for tests of what lies around procedures. */
export const probeRouter = router({
  ping: publicProcedure
    .meta({ openapi: { method: 'GET', path: '/ping', tags: ['probe'], summary: 'Answers' } })
    .output(z.object({ pong: z.boolean() }))
    .query(() => ({ pong: true, hidden: 'a column that nobody declared' })),
  things: router({
    get: procedureFor('printers.read')
      .meta({ openapi: { method: 'GET', path: '/things/{id}', tags: ['things'], summary: 'One thing' } })
      .input(
        z.strictObject({ id: z.string(), count: z.int().max(10).optional(), tags: z.array(z.string()).optional() }),
      )
      .output(z.object({ id: z.string(), count: z.number().nullable(), tags: z.array(z.string()), madeAt: z.date() }))
      .query(({ input }) => {
        if (input.id === 'missing') throw notFound('thing', input.id)
        if (input.id === 'broken') throw new Error('secret detail: password hunter2')
        return { id: input.id, count: input.count ?? null, tags: input.tags ?? [], madeAt: new Date(0) }
      }),
    create: procedureFor('printers.control')
      .meta({ openapi: { method: 'POST', path: '/things', tags: ['things'], summary: 'Make a thing' } })
      .input(z.strictObject({ name: z.string().min(2), dueAt: z.date().nullable().default(null) }))
      .output(z.object({ name: z.string(), dueAt: z.date().nullable() }))
      .mutation(({ input }) => input),
  }),
  leak: publicProcedure
    .output(z.object({ pong: z.boolean() }))
    .query(() => ({ pong: 'no' }) as unknown as { pong: boolean }),
  hang: publicProcedure
    .meta({ openapi: { method: 'GET', path: '/hang' } })
    .output(z.object({}))
    .query(() => new Promise<Record<string, never>>(() => undefined)),
  secrets: procedureFor('system.read')
    .output(z.object({}))
    .query(() => ({})),
  ticks: procedureFor('printers.read')
    .input(z.strictObject({ lastEventId: z.string().optional(), until: z.int() }))
    .output(trackedStreamOf(z.object({ n: z.number() })))
    .subscription(({ ctx, input }) =>
      liveStream(ctx, async function* (signal) {
        for (let n = Number(input.lastEventId ?? '0') + 1; n <= input.until; n += 1) yield tracked(String(n), { n })
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      }),
    ),
})
export type ProbeRouter = typeof probeRouter

const actor = (role: UserRole): Actor => ({
  ...{ ...SYSTEM_ACTOR, kind: 'user', id: `usr_${role}`, ...inRole(role), sessionId: `ses_${role}` },
})

/** `Bearer viewer`, `operator` and `admin` are users; `revoke` takes their streams away, `fail` breaks the lookup. */
export class ProbeAuthenticator implements Authenticator {
  readonly revoked = new Set<string>()
  checks = 0
  failing = false

  authenticate(authorization: string | undefined): Promise<Actor | null> {
    if (this.failing) return Promise.reject(new Error('the database is gone'))
    if (authorization === undefined) return Promise.resolve(null)
    const role = authorization.replace(/^Bearer /, '')
    if (role === 'viewer' || role === 'operator' || role === 'admin') return Promise.resolve(actor(role))
    return Promise.reject(new GantryError('UNAUTHENTICATED'))
  }

  stillValid({ id }: Actor): Promise<boolean> {
    this.checks += 1
    return Promise.resolve(!this.revoked.has(id))
  }
}

const hashing: HttpServerOptions['files'] = {
  async upload(actor, open) {
    assertMay(actor, 'files.write')
    const { name, source, contentLength } = await open()
    const hash = createHash('sha256')
    let sizeBytes = 0
    for await (const part of source as AsyncIterable<Buffer>) {
      hash.update(part)
      sizeBytes += part.length
    }
    return { name, sizeBytes, contentLength, sha256: hash.digest('hex') }
  },
  content: (_actor, id) => {
    if (id === 'missing') return Promise.reject(notFound('file', id))
    const bytes = Buffer.from('G28\n')
    return Promise.resolve({
      source: Readable.from([bytes]),
      sizeBytes: bytes.length,
      contentType: 'text/x-gcode',
      name: 'Würfel "1".gcode',
    })
  },
  thumbnail: (_actor, id) => Promise.reject(notFound('thumbnail', id)),
}

export interface ProbeServer {
  url: string
  authenticator: ProbeAuthenticator
  /** The log's lines so far. */
  lines: Record<string, unknown>[]
  drain: () => void
  stop: () => Promise<void>
}

type Overrides = Partial<Omit<HttpServerOptions, 'config' | 'health' | 'log'>> & {
  checks?: readonly HealthCheck[]
  http?: Partial<HttpServerOptions['config']['http']>
  metricsToken?: string
  ratePerMinute?: number
}

/** The HTTP server around {@link probeRouter} on a free port. */
export const startProbeServer = async (overrides: Overrides = {}): Promise<ProbeServer> => {
  const { http, metricsToken, ratePerMinute, checks = [], ...rest } = overrides
  const lines: Record<string, unknown>[] = []
  const log = createLogger({
    level: 'debug',
    destination: { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  })
  const authenticator = new ProbeAuthenticator()
  const server = createHttpServer({
    config: {
      http: {
        host: '127.0.0.1',
        port: 0,
        publicUrl: null,
        corsOrigins: [],
        trustedProxies: [],
        maxUploadBytes: 1_000_000,
        docsPublic: true,
        flags: {},
        ...http,
      },
      metrics: { enabled: true, token: metricsToken ?? null },
    },
    log,
    metrics: createMetrics({ collectDefaults: false }),
    authenticator,
    rateLimiter: new SlidingWindowLimiter(ratePerMinute ?? 10_000, { now: () => 0 }),
    router: probeRouter,
    // The probe's procedures call no service.
    services: {} as Services,
    answers: null,
    exports: { download: () => Promise.reject(new GantryError('LINK_REFUSED')) },
    files: hashing,
    health: {
      checks: new HealthChecks({ checks, clock: systemClock, log }),
      // The probe has nothing around it.
      surroundings: () => Promise.resolve({} as SurroundingHealth),
      installation: { version: '0.0.0', commit: null, env: 'test' },
    },
    ...rest,
  })
  const { url } = await server.listen()
  return { url, authenticator, lines, drain: () => server.drain(), stop: () => server.stop() }
}
