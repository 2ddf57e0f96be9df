import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

import { Redis } from 'ioredis'

import { aptInstall, programAt } from './apt-install.js'
import { freePort } from './free-port.js'

const START_TRIES = 200
const HOW = 'Install it (apt-get install redis-server, brew install redis) or set REDIS_URL to one that tests may use.'

export interface RedisServer extends AsyncDisposable {
  url: string
  host: string
  port: number
  pid: number
  /** Ends it at once, with all it holds. Idempotent. */
  stop: () => Promise<void>
}

export interface RedisServerOptions {
  /** @default a free one */
  port?: number
  /** Asked of whoever connects. */
  password?: string
}

/** The program ends with whoever started it, however that ends: it loses its standard input. */
const SCRIPT = 'redis-server "$@" >&2 & pid=$!; echo $pid; cat >/dev/null; kill -9 $pid'

/**
 * A Redis of its own that keeps nothing on disk.
 * @throws Error when it does not start
 */
export const startRedisServer = async (options: RedisServerOptions = {}): Promise<RedisServer> => {
  const port = options.port ?? (await freePort())
  const { password } = options
  const secret = password === undefined ? [] : ['--requirepass', password]
  const fixed = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', '/tmp']
  const child = spawn('sh', ['-c', SCRIPT, 'sh', ...fixed, ...secret], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const ended = once(child, 'exit')
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const stop = async () => {
    child.stdin.end()
    await ended
  }
  try {
    await answering(port, password)
  } catch (error) {
    await stop()
    throw error
  }
  const url = `redis://127.0.0.1:${port}`
  return { url, host: '127.0.0.1', port, pid: Number(line.toString()), stop, [Symbol.asyncDispose]: stop }
}

/**
 * Sees to it that there is a `redis-server`, and installs it where that is possible.
 * @throws Error telling what to do
 */
export const ensureRedisInstalled = async (): Promise<void> => {
  if ((await programAt('redis-server')) !== null) return
  await aptInstall('redis-server', HOW)
  if ((await programAt('redis-server')) !== null) return
  throw new Error(`redis-server was installed and is still not on the PATH. ${HOW}`)
}

const answering = async (port: number, password?: string): Promise<void> => {
  const client = new Redis({
    ...{ port, ...(password !== undefined && { password }) },
    lazyConnect: true,
    retryStrategy: null,
    connectTimeout: 1_000,
  })
  client.on('error', () => undefined)
  try {
    for (let tried = 1; ; tried += 1) {
      try {
        await client.connect()
        await client.ping()
        return
      } catch (error) {
        if (tried === START_TRIES) throw new Error('redis-server does not start', { cause: error })
        await sleep(25)
      }
    }
  } finally {
    client.disconnect()
  }
}
