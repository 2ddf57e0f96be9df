import { setTimeout as sleep } from 'node:timers/promises'

import type { Trial } from '../experiment.js'
import { EMAIL } from '../farm/instances.js'
import type { GantryInstance } from '../farm/gantry-instance.js'
import type { SeededRandom } from '../random.js'
import { newAccount } from './accounts.js'
import { HttpCaller, type Caller } from './http-caller.js'
import { intrude } from './intruder.js'
import { LIST_CALLS, loginCall, namesIn, resultOf, type ListCall } from './project-calls.js'
import { writeProjects } from './writer.js'

const READER_PAUSE_MS = [20, 120] as const

/** What everybody of the crowd works with. */
export interface Crowd {
  trial: Trial
  http: HttpCaller
  admin: Caller
  isOver: () => boolean
  /** Reads by way of a call, and notes what was shown. */
  read: (instance: GantryInstance, caller: Caller, call: ListCall) => Promise<void>
  counts: { kept: number; reads: number; refused: number }
}

/**
 * People who change and list projects over the HTTP API of all instances, several with the same rights and some with
 * others, and one who is to be shown nothing. All that they are told is noted for the judge.
 */
export const gather = async (trial: Trial): Promise<Crowd & { disperse: () => Promise<Crowd['counts']> }> => {
  const { farm, random } = trial
  const http = new HttpCaller(trial.reading)
  const counts = { kept: 0, reads: 0, refused: 0 }
  let isOver = false
  const read = async (instance: GantryInstance, caller: Caller, call: ListCall) => {
    const answer = await http.call(instance, caller, call)
    if (answer === null) return
    counts.reads += 1
    if (answer.isKept) counts.kept += 1
    const { at, sentMs, answeredMs } = answer
    for (const names of namesIn(call, answer))
      trial.reading.reads.push({ by: caller.by, at, sentMs, answeredMs, names })
  }
  const admin = await loggedIn(http, farm.instances, 'admin', { email: EMAIL, password: farm.password })
  const crowd: Crowd = { trial, http, admin, isOver: () => isOver, read, counts }
  const join = async (name: string, role: 'operator' | 'viewer') =>
    loggedIn(http, farm.instances, name, await newAccount(farm, name, role))
  const writers = [await join('writer-1', 'operator'), await join('writer-2', 'operator')]
  const readers = [
    admin,
    await join('operator', 'operator'),
    await join('viewer-1', 'viewer'),
    await join('viewer-2', 'viewer'),
  ]
  const viewer = readers.at(-1) ?? admin
  const guest = await newAccount(farm, 'guest', 'viewer')
  const work = [
    ...writers.map((writer) => writeProjects(crowd, writer, random.stream(`writes of ${writer.by}`))),
    ...readers.map((reader) => readOn(crowd, reader, random.stream(`reads of ${reader.by}`))),
    intrude(crowd, { viewer, guest }, random.stream('intrusions')),
  ]
  const whatFails = Promise.all(work)
  whatFails.catch(() => (isOver = true)) // told to whoever disperses them
  return {
    ...crowd,
    disperse: async () => {
      isOver = true
      await whatFails
      http.close()
      return counts
    },
  }
}

/** @throws Error when it is refused; nothing is broken yet */
const loggedIn = async (
  http: HttpCaller,
  [instance]: readonly GantryInstance[],
  by: string,
  { email, password }: { email: string; password: string },
): Promise<Caller> => {
  if (instance === undefined) throw new Error('there is no instance')
  const answer = await http.call(instance, { by, token: null }, loginCall(email, password))
  if (answer === null) throw new Error(`${by} could not log in`)
  return { by, token: (resultOf(answer) as { accessToken: string }).accessToken }
}

/** Asks for lists all the time, at all instances and in every way. */
const readOn = async ({ trial, read, isOver }: Crowd, reader: Caller, draws: SeededRandom): Promise<void> => {
  while (!isOver()) {
    await read(draws.pick(trial.farm.instances), reader, draws.pick(LIST_CALLS))
    await sleep(draws.between(...READER_PAUSE_MS))
  }
}
