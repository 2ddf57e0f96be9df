import { setTimeout as sleep } from 'node:timers/promises'

import { createGantryClient } from '@gantry/client'

import { ReadyBalancer } from '../../src/testing/ready-balancer.js'
import { sendSteadily } from '../../src/testing/steady-requests.js'
import { witnessJobs } from '../event-witness.js'
import { eventually } from '../eventually.js'
import type { Experiment, Trial } from '../experiment.js'
import type { GantryInstance } from '../farm/gantry-instance.js'
import { ONE_FOR_ALL } from '../farm/materials.js'
import { newAccount } from '../reading/accounts.js'
import { keepBusy } from './keep-busy.js'

/** Two answer requests; the third, which users do not reach, drives the printers, so that there is something to tell. */
const FRONT = 2
/** On a machine that has nothing else to do; on another one, that many fewer as it is slower. */
const STREAMS = 300
const PER_SECOND = 200
/** Of one user; all of them must find room at one server. */
const STREAMS_EACH = 15
const PATHS = ['/api/printers', '/api/print-jobs', '/api/alarms', '/api/system']
const OPEN = 2
const QUIET_MS = 3_000
const BEGIN_MS = 60_000
/** A start, with some room, until the balancer has seen it. */
const BACK_MS = 60_000
const CALL_MS = 30_000
const SHOWN = 5

const addressOf = (instance: GantryInstance) => () => {
  const { address } = instance
  return address === null ? null : `http://${address.host}:${address.port}`
}

/** Live streams of people who look at the farm through the balancer. */
const openStreams = async ({ farm, streams, onEnd }: Trial, url: string): Promise<void> => {
  for (let user = 0; user < Math.ceil(STREAMS / STREAMS_EACH / farm.slowness); user += 1) {
    const { email, password } = await newAccount(farm, `watcher-${user}`, 'viewer')
    const client = createGantryClient({ url, email, password, reconnect: { delayMs: 100, maxDelayMs: 1_000 } })
    for (let n = 0; n < STREAMS_EACH; n += 1) {
      const { stream, stop } = witnessJobs(client)
      streams.push(stream)
      onEnd(stop)
    }
  }
  await eventually('every stream has begun', () => streams.every(({ from }) => from !== null), { withinMs: BEGIN_MS })
}

/** Valid for longer than the experiment takes. */
const tokenAt = async (url: string, { farm }: Trial): Promise<string> => {
  const account = await newAccount(farm, 'caller', 'operator')
  const response = await fetch(`${url}/api/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email: account.email, password: account.password }),
    signal: AbortSignal.timeout(CALL_MS),
  })
  return ((await response.json()) as { accessToken: string }).accessToken
}

/** One after the other is stopped, and is back before the next one is. */
const stopInTurn = async ({ farm, streams, ordered, struck, disturbed }: Trial, balancer: ReadyBalancer) => {
  for (let count = 0; count < ordered('SIGTERM'); count += 1) {
    const instance = farm.instances[count % FRONT]
    const code = await instance?.terminate()
    if (code !== 0) throw new Error(`an instance ended with code ${code ?? 'none'} instead of 0`)
    await eventually('every stream goes on', () => streams.every(({ isOpen }) => isOpen), { withinMs: BACK_MS })
    instance?.start()
    await instance?.ready()
    await eventually('the balancer sees both instances', () => balancer.readyCount === FRONT, { withinMs: BACK_MS })
    struck('SIGTERM')
    disturbed()
    await sleep(QUIET_MS)
  }
  struck(
    'streams resumed',
    streams.reduce((sum, { connections }) => sum + connections - 1, 0),
  )
}

const stopUnderLoad = async (trial: Trial): Promise<void> => {
  const { farm, struck, onEnd } = trial
  const balancer = await ReadyBalancer.start(farm.instances.slice(0, FRONT).map(addressOf))
  onEnd(() => balancer[Symbol.asyncDispose]())
  const headers = { Authorization: `Bearer ${await tokenAt(balancer.url, trial)}` }
  await openStreams(trial, balancer.url)
  const perSecond = PER_SECOND / farm.slowness
  const requests = sendSteadily({ url: balancer.url, headers, paths: PATHS, perSecond })
  const failed: string[] = []
  let isOver = false
  const busy = keepBusy(trial, OPEN, () => isOver)
  try {
    await stopInTurn(trial, balancer)
  } finally {
    isOver = true
    const [{ answered, failures }] = await Promise.all([requests.stop(), busy])
    struck('requests answered', answered)
    failed.push(...failures)
  }
  if (failed.length > 0) throw new Error(`${failed.length} requests failed: ${failed.slice(0, SHOWN).join('; ')}`)
}

export const stoppedUnderLoad: Experiment = {
  name: 'stopped-under-load',
  sentence:
    'of two instances behind a balancer that follows /ready, each is stopped at up to 200 requests a second and 300 streams',
  farm: {
    // Few, and slow: each change is told 300 times.
    ...{ instances: 3, octoprint: 1, moonraker: 1, speed: 50, stock: ONE_FOR_ALL, apart: [FRONT] },
    environment: (instance): Record<string, string> =>
      instance < FRONT ? { GANTRY_ROLES: 'api', SHUTDOWN_DRAIN_SECONDS: '3' } : {},
  },
  orders: { copies: 4, copiesPerJob: 2, print: { machineSeconds: 500 } },
  faults: { SIGTERM: 2, 'streams resumed': 50, 'requests answered': 500 },
  run: stopUnderLoad,
}
