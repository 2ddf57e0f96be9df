import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'

import type { PostgresAccount } from './account.js'
import { Deadline } from './deadline.js'
import { EmbeddedPostgresError, isSystemError } from './errors.js'
import type { EmbeddedLayout } from './layout.js'
import { logSizeBytes, readLogSince } from './log-file.js'
import { inspectPostmaster, isRunning, type LivePostmaster } from './postmaster-file.js'
import { postgresEnvironment } from './run-program.js'
import { serverArguments } from './server-settings.js'

export interface PostmasterOptions {
  postgres: string
  account: PostgresAccount
  preferredPort: number | null
  fast: boolean
}

/** Ends that another attempt may get past: a port taken meanwhile, a server or its workers still on their way out. */
const PASSING_FAILURE =
  /Address already in use|pre-existing shared memory block|lock file "postmaster\.pid" already exists/

/**
 * Starts the server in a session of its own, so that neither a signal to our process group nor our death reaches it.
 * @returns the server that now runs on this cluster, or null when this try ended for a reason that passes
 * @throws EmbeddedPostgresError `start_failed`, `start_timeout`
 */
export async function spawnPostmaster(
  layout: EmbeddedLayout,
  options: PostmasterOptions,
  deadline: Deadline,
): Promise<LivePostmaster | null> {
  const port = await freePort(options.preferredPort)
  const { command, args, ...ids } = options.account.launch(
    options.postgres,
    serverArguments(layout.cluster, port, options),
  )
  const logStart = await logSizeBytes(layout.log)
  const log = await open(layout.log, 'a', 0o600)
  try {
    const stdio: ['ignore', number, number] = ['ignore', log.fd, log.fd]
    const child = spawn(command, args, { ...ids, cwd: '/', env: postgresEnvironment, detached: true, stdio })
    await once(child, 'spawn')
    child.unref()
    const answer = await deadline.poll<LivePostmaster | 'ended'>(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return 'ended'
      const state = await inspectPostmaster(layout.cluster)
      return state.kind === 'live' && state.postmaster.pid === child.pid ? state.postmaster : undefined
    })
    if (answer === undefined) throw new EmbeddedPostgresError('start_timeout', 'The database did not start in time.')
    if (answer !== 'ended') return answer
  } finally {
    await log.close()
  }
  return failedStart(await readLogSince(layout.log, logStart))
}

export function failedStart(log: string): null {
  if (PASSING_FAILURE.test(log)) return null
  throw new EmbeddedPostgresError('start_failed', `The database did not start: ${log || 'it left no message'}`)
}

/**
 * Fast shutdown: sessions are cut, everything committed is kept. When that takes too long, immediate shutdown: the next
 * start recovers from the write-ahead log.
 * @throws EmbeddedPostgresError `stop_timeout`
 */
export async function stopPostmaster(postmaster: LivePostmaster, timeoutSeconds: number): Promise<void> {
  for (const [signal, seconds] of [
    ['SIGINT', timeoutSeconds],
    ['SIGQUIT', 10],
  ] as const) {
    if (!(await isRunning(postmaster))) return
    sendSignal(postmaster.pid, signal)
    const ended = await new Deadline(seconds).poll(async () => ((await isRunning(postmaster)) ? undefined : true))
    if (ended) return
  }
  throw new EmbeddedPostgresError('stop_timeout', `The database (pid ${postmaster.pid}) did not stop.`)
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if (!isSystemError(error, 'ESRCH')) throw error
  }
}

/** The preferred port when nobody listens on it, else one that the system gives. */
async function freePort(preferred: number | null): Promise<number> {
  return (preferred !== null ? await tryPort(preferred) : null) ?? (await tryPort(0)) ?? 0
}

async function tryPort(port: number): Promise<number | null> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  } catch (error) {
    if (isSystemError(error, 'EADDRINUSE', 'EACCES')) return null
    throw error
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
}
