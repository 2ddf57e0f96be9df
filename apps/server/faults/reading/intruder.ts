import { setTimeout as sleep } from 'node:timers/promises'

import type { GantryInstance } from '../farm/gantry-instance.js'
import type { SeededRandom } from '../random.js'
import type { Account } from './accounts.js'
import type { Crowd } from './crowd.js'
import type { Call, Caller } from './http-caller.js'
import { cacheStatsCall, createCall, LIST_CALLS, loginCall, logoutCall, resultOf } from './project-calls.js'

const REFUSALS = ['UNAUTHENTICATED', 'SESSION_ENDED', 'FORBIDDEN']
const PAUSE_MS = [50, 250] as const
/** How long a token is tried after its session was ended: longer than anybody may take to hear of it. */
const TRIED_MS = 3_000
const NOBODY: Caller = { by: 'nobody', token: null }
const FORGER: Caller = { by: 'forger', token: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1c3JfMSJ9.c2lnbmF0dXJl' }

interface Ended {
  sinceMs: number
  at: string | null
}
const ALWAYS: Ended = { sinceMs: -Infinity, at: null }

/** Asks for what is not for them: without a token, with a wrong one, without the role, and with the token of a session that was ended. */
export const intrude = async (
  crowd: Crowd,
  { viewer, guest }: { viewer: Caller; guest: Account },
  draws: SeededRandom,
): Promise<void> => {
  const { trial, isOver } = crowd
  const forbidden: [Caller, Call][] = [
    ...[NOBODY, FORGER].flatMap((caller) => LIST_CALLS.map((call): [Caller, Call] => [caller, call])),
    [viewer, createCall('by a viewer')],
    [viewer, cacheStatsCall],
  ]
  while (!isOver()) {
    for (let count = 0; count < forbidden.length && !isOver(); count += 1) {
      await tryOnce(crowd, draws.pick(trial.farm.instances), draws.pick(forbidden), ALWAYS)
      await sleep(draws.between(...PAUSE_MS))
    }
    await comeAndGo(crowd, guest, draws)
  }
}

const tryOnce = async (
  { trial, http, counts }: Crowd,
  instance: GantryInstance,
  [caller, call]: [Caller, Call],
  { sinceMs, at: forbiddenAt }: Ended,
): Promise<void> => {
  const answer = await http.call(instance, caller, call, REFUSALS)
  if (answer === null) return
  const { at, sentMs } = answer
  if (answer.status !== 200) counts.refused += 1
  else
    trial.reading.intrusions.push({
      ...{ by: caller.by, at, sentMs, what: call.what },
      ...{ forbiddenSinceMs: sinceMs, forbiddenAt },
    })
}

/** Somebody logs in, is known by all instances, logs out at one, and tries on with what is left. */
const comeAndGo = async (crowd: Crowd, { email, password }: Account, draws: SeededRandom): Promise<void> => {
  const { trial, http, read, isOver } = crowd
  const { instances } = trial.farm
  const came = await http.call(draws.pick(instances), { by: 'guest', token: null }, loginCall(email, password))
  if (came === null) return
  const guest: Caller = { by: 'guest', token: (resultOf(came) as { accessToken: string }).accessToken }
  for (const instance of instances) await read(instance, guest, draws.pick(LIST_CALLS))
  const left = await http.call(draws.pick(instances), guest, logoutCall)
  // Nobody knows whether the session has ended.
  if (left === null) return
  const ended: Ended = { sinceMs: left.answeredMs, at: left.at }
  while (!isOver() && performance.now() - ended.sinceMs < TRIED_MS) {
    await tryOnce(crowd, draws.pick(instances), [guest, draws.pick(LIST_CALLS)], ended)
    await sleep(draws.between(...PAUSE_MS))
  }
}
