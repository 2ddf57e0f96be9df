import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { access, chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { freePort } from '../processes/free-port.js'
import { endProcess } from '../processes/source-process.js'
import { median, type Bench, type BenchOptions, type BenchResult } from './report.js'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const AIM_SECONDS = 3
const LOOK_MS = 10
const GIVE_UP_MS = 60_000

/** In milliseconds from when the process was asked for. */
interface Start {
  listening: number
  ready: number
}

/** The first moment at which a path is answered with 200. */
const answered = async (url: string, beganMs: number): Promise<number> => {
  while (performance.now() - beganMs < GIVE_UP_MS) {
    const isThere = await fetch(url, { signal: AbortSignal.timeout(GIVE_UP_MS) }).then(
      async (response) => (await response.text(), response.ok),
      () => false,
    )
    if (isThere) return performance.now() - beganMs
    await sleep(LOOK_MS)
  }
  throw new Error(`${url} was not answered in time`)
}

/** Starts the built server, as a user would, and stops it in order; its database stops with it. */
const startOnce = async (dataDir: string, password: string): Promise<Start> => {
  const port = await freePort()
  const beganMs = performance.now()
  const child = spawn(process.execPath, [MAIN], {
    cwd: dataDir,
    stdio: 'ignore',
    env: {
      ...{ PATH: process.env['PATH'], HOME: dataDir, GANTRY_DATA_DIR: dataDir, PORT: String(port) },
      ...{ GANTRY_ADMIN_PASSWORD: password, SHUTDOWN_DRAIN_SECONDS: '0' },
    },
  })
  try {
    const listening = await answered(`http://127.0.0.1:${port}/healthz`, beganMs)
    return { listening, ready: await answered(`http://127.0.0.1:${port}/ready`, beganMs) }
  } finally {
    await endProcess(child)
  }
}

const seconds = (times: readonly number[]) =>
  `median ${(median(times) / 1_000).toFixed(2)} s, worst ${(Math.max(...times) / 1_000).toFixed(2)} s`

const run = async ({ quick, progress }: BenchOptions): Promise<BenchResult> => {
  await access(MAIN).catch(() => Promise.reject(new Error('the server is not built: npm run build')))
  const tries = quick ? 2 : 7
  const dataDir = await mkdtemp(join(tmpdir(), 'gantry-bench-'))
  await chmod(dataDir, 0o755) // the database's own user must get through when root runs this
  const password = randomBytes(12).toString('base64url')
  const starts: Start[] = []
  try {
    const first = await startOnce(dataDir, password)
    progress('the database is initialised')
    for (let count = 1; count <= tries; count += 1) {
      starts.push(await startOnce(dataDir, password))
      progress(`${count} of ${tries}`)
    }
    const note = `${tries} starts`
    return {
      name: 'startup',
      title: 'The built server on its embedded database, from the command to the first answer',
      rows: [
        {
          what: 'listening, on an initialised database',
          value: seconds(starts.map(({ listening }) => listening)),
          note: `${note}; aim: under ${AIM_SECONDS} s`,
        },
        { what: 'ready, on an initialised database', value: seconds(starts.map(({ ready }) => ready)), note },
        { what: 'listening, on an empty folder', value: `${(first.listening / 1_000).toFixed(2)} s`, note: '1 start' },
      ],
      data: { first, starts },
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
}

export const startupBench: Bench = { name: 'startup', run }
