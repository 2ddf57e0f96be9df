import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { Writable } from 'node:stream'

import { getRequestListener } from '@hono/node-server'
import { initTRPC } from '@trpc/server'
import { createHTTPHandler } from '@trpc/server/adapters/standalone'
import { fastifyTRPCPlugin, type FastifyTRPCPluginOptions } from '@trpc/server/adapters/fastify'
import { fetchRequestHandler } from '@trpc/server/adapters/fetch'
import fastify from 'fastify'
import { Hono } from 'hono'
import superjson from 'superjson'
import { createOpenApiFetchHandler, type OpenApiMeta } from 'trpc-to-openapi'
import { z } from 'zod'

const t = initTRPC.meta<OpenApiMeta>().create({ transformer: superjson })
const answer = { text: 'x'.repeat(50_000) }

const router = t.router({
  ping: t.procedure.output(z.object({ pong: z.boolean() })).query(() => ({ pong: true })),
  large: t.procedure
    .meta({ openapi: { method: 'GET', path: '/large' } })
    .input(z.object({}))
    .output(z.object({ text: z.string() }))
    .query(() => answer),
  ticks: t.procedure.subscription(async function* () {
    for (let n = 0; n < 1_000; n += 1) {
      if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve))
      yield { n }
    }
  }),
})

const drain = async (source: NodeJS.ReadableStream): Promise<number> => {
  let bytes = 0
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      done()
    },
  })
  await pipeline(source, sink)
  return bytes
}

const sendJson = (res: ServerResponse, value: unknown) => {
  res.setHeader('content-type', 'application/json')
  res.end(JSON.stringify(value))
}

type Listener = (req: IncomingMessage, res: ServerResponse) => void | Promise<void>

/** REST and uploads by plain node:http; what is left goes to `rest`. */
const plain =
  (rest: Listener): RequestListener =>
  (req: IncomingMessage, res: ServerResponse) => {
    if (req.url === '/large') sendJson(res, answer)
    else if (req.url === '/upload') void drain(req).then((bytes) => sendJson(res, { bytes }))
    else void Promise.resolve(rest(req, res))
  }

const listen = async (listener: Listener): Promise<number> => {
  const server = createServer((req, res) => void Promise.resolve(listener(req, res)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

const trpcByFetch = (request: Request) => fetchRequestHandler({ endpoint: '/trpc', req: request, router })

const startFastify = async (): Promise<number> => {
  const app = fastify({ bodyLimit: 100_000_000 })
  app.addContentTypeParser('application/octet-stream', (_request, body, done) => done(null, body))
  await app.register(fastifyTRPCPlugin, {
    prefix: '/trpc',
    trpcOptions: { router },
  } satisfies FastifyTRPCPluginOptions<typeof router>)
  app.get('/large', () => answer)
  app.post('/upload', async (request) => ({ bytes: await drain(request.body as NodeJS.ReadableStream) }))
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}

const startHono = async (): Promise<number> => {
  const app = new Hono()
  app.all('/trpc/*', (c) => trpcByFetch(c.req.raw))
  app.get('/large', (c) => c.json(answer))
  app.post('/upload', async (c) => {
    let bytes = 0
    const reader = (c.req.raw.body as ReadableStream<Uint8Array>).getReader()
    for (let part = await reader.read(); !part.done; part = await reader.read()) bytes += part.value.length
    return c.json({ bytes })
  })
  return listen(getRequestListener(app.fetch))
}

const startGenerated = async (): Promise<number> => {
  const handle = getRequestListener((request) =>
    createOpenApiFetchHandler({ endpoint: '/', req: request, router, createContext: undefined }),
  )
  return listen(handle)
}

/** Each returns the port it listens on. */
export const HOSTS = {
  'node:http, no tRPC': () =>
    listen(
      plain((_req, res) => {
        sendJson(res, { result: { data: { json: { pong: true } } } })
      }),
    ),
  'tRPC standalone': () => {
    const handler = createHTTPHandler({ router, basePath: '/trpc/' })
    return listen(plain(handler))
  },
  'tRPC fastify': startFastify,
  'Hono + tRPC fetch': startHono,
  'node:http + tRPC fetch': () => listen(plain(getRequestListener(trpcByFetch))),
  'node:http + tRPC fetch, globals kept': () =>
    listen(plain(getRequestListener(trpcByFetch, { overrideGlobalObjects: false }))),
  'trpc-to-openapi fetch': startGenerated,
} as const
export type HostName = keyof typeof HOSTS
