import { setTimeout as sleep } from 'node:timers/promises'

import { nameOfVersion, type WriteStep } from '../checker/reading-history.js'
import type { SeededRandom } from '../random.js'
import type { Crowd } from './crowd.js'
import type { Caller } from './http-caller.js'
import { createCall, LIST_CALLS, removeCall, renameCall, resultOf } from './project-calls.js'

/** So many things of a writer are there at a time. */
const MOST_THINGS = 6
const PAUSE_MS = [30, 500] as const
/** Whoever is not answered lets some time go by; what was under way then stays as it is for good. */
const PAUSE_AFTER_FAILURE_MS = 500
const LAST_VERSION = 3

interface Thing {
  thing: string
  id: string
  version: number
}

/** Creates, renames and removes projects one after the other, and asks the same instance for the list after each. */
export const writeProjects = async (crowd: Crowd, writer: Caller, draws: SeededRandom): Promise<void> => {
  const { trial, http, read, isOver } = crowd
  const things: Thing[] = []
  const { steps } = trial.reading
  for (let count = 1; !isOver(); count += 1) {
    const instance = draws.pick(trial.farm.instances)
    const isNew = things.length === 0 || (things.length < MOST_THINGS && draws.chance(0.4))
    const chosen = isNew ? { thing: `${writer.by}/${count}`, id: '', version: 0 } : draws.pick(things)
    const version = chosen.version === LAST_VERSION ? null : chosen.version + 1
    const step: WriteStep = {
      ...{ thing: chosen.thing, version, by: writer.by, at: instance.name },
      ...{ sentMs: performance.now(), answeredMs: null },
    }
    steps.push(step)
    const answer = await http.call(instance, writer, callOf(chosen, version))
    if (answer === null) {
      forget(things, chosen)
      await sleep(PAUSE_AFTER_FAILURE_MS)
      continue
    }
    step.answeredMs = answer.answeredMs
    if (isNew) things.push({ ...chosen, id: (resultOf(answer) as { id: string }).id, version: 1 })
    else if (version === null) forget(things, chosen)
    else chosen.version = version
    await read(instance, writer, draws.pick(LIST_CALLS))
    await sleep(draws.between(...PAUSE_MS))
  }
}

const callOf = ({ thing, id }: Thing, version: number | null) => {
  if (version === null) return removeCall(id)
  const name = nameOfVersion(thing, version)
  return version === 1 ? createCall(name) : renameCall(id, name)
}

const forget = (things: Thing[], thing: Thing): void => {
  const index = things.indexOf(thing)
  if (index !== -1) things.splice(index, 1)
}
