import type { Check } from './check.js'
import {
  boundBetween,
  nameOfVersion,
  type Breakage,
  type Intrusion,
  type ListRead,
  type ReadingHistory,
  type WriteStep,
} from './reading-history.js'

/**
 * Whoever wrote sees it in the next list of the same instance; everybody else sees it in time, and what is gone does not
 * come back; nobody is shown what never was, or what is not for them.
 */
export const wrongAnswers: Check = {
  count: 'wrong answers to readers',
  violations: ({ reading }) => {
    const things = livesOf(reading.steps)
    return [
      ...reading.reads.flatMap((read) => judgeRead(read, things, reading.breakages)),
      ...reading.intrusions.filter((intrusion) => isTooLate(intrusion, reading.breakages)).map(tellIntrusion),
    ]
  },
}

type Lives = ReadonlyMap<string, readonly WriteStep[]>

const livesOf = (steps: readonly WriteStep[]): Lives => {
  const lives = new Map<string, WriteStep[]>()
  for (const step of steps) lives.set(step.thing, [...(lives.get(step.thing) ?? []), step])
  return lives
}

const judgeRead = (read: ListRead, lives: Lives, breakages: ReadingHistory['breakages']): string[] => {
  const shown = new Set(read.names)
  const wrong = read.names.length === shown.size ? [] : [`${tellRead(read)} has a name twice`]
  const known = new Set<string>()
  for (const [thing, life] of lives) {
    const seen = life.filter(({ version }) => version !== null && shown.has(nameOfVersion(thing, version)))
    for (const { version } of seen) known.add(nameOfVersion(thing, version ?? 0))
    wrong.push(...judgeThing(read, thing, life, seen, breakages))
  }
  const strange = read.names.filter((name) => !known.has(name))
  return [...wrong, ...strange.map((name) => `${tellRead(read)} shows "${name}", which nobody ever wrote`)]
}

const judgeThing = (
  read: ListRead,
  thing: string,
  life: readonly WriteStep[],
  seen: readonly WriteStep[],
  breakages: readonly Breakage[],
): string[] => {
  const [step, ...more] = seen
  if (more.length > 0) return [`${tellRead(read)} shows ${thing} ${seen.length} times`]
  if (step !== undefined && step.sentMs > read.answeredMs)
    return [`${tellRead(read)} shows version ${step.version} of ${thing} before it was written`]
  // A thing that is not shown may not be there yet, or not any more.
  const since =
    step === undefined
      ? [-1, ...life.keys()].filter((index) => mayBeAbsentAfter(read, life[index]))
      : [life.indexOf(step)]
  const passedOver = since.map((index) => life.slice(index + 1).find((next) => isDue(read, next, breakages)))
  const due = passedOver.at(-1)
  if (due === undefined || passedOver.includes(undefined)) return []
  const late = Math.round(read.sentMs - (due.answeredMs ?? NaN))
  const what = step === undefined ? 'does not show' : `still shows version ${step.version} of`
  return [`${tellRead(read)} ${what} ${thing} ${late} ms after ${tellStep(due)}`]
}

/** Before its first step, and after a removal that has begun. */
const mayBeAbsentAfter = (read: ListRead, step: WriteStep | undefined): boolean =>
  step === undefined || (step.version === null && step.sentMs <= read.answeredMs)

/** Whether the reader asked so long after a step that what was before it must not be shown any more. */
const isDue = (read: ListRead, { by, at, answeredMs }: WriteStep, breakages: readonly Breakage[]): boolean => {
  if (answeredMs === null || answeredMs >= read.sentMs) return false
  const isOwn = by === read.by && at === read.at
  return isOwn || read.sentMs - answeredMs > boundBetween(breakages, answeredMs, read.sentMs)
}

const isTooLate = (intrusion: Intrusion, breakages: readonly Breakage[]): boolean => {
  const { at, sentMs, forbiddenSinceMs, forbiddenAt } = intrusion
  const bound = at === forbiddenAt || forbiddenAt === null ? 0 : boundBetween(breakages, forbiddenSinceMs, sentMs)
  return sentMs - forbiddenSinceMs > bound
}

const tellIntrusion = ({ by, at, what, sentMs }: Intrusion): string =>
  `${by} was shown ${what} by ${at} at ${Math.round(sentMs)} ms, which is not allowed`

const tellRead = ({ by, at, sentMs }: ListRead): string => `the list of ${by} from ${at} at ${Math.round(sentMs)} ms`

const tellStep = ({ by, at, version }: WriteStep): string =>
  `${by} ${version === null ? 'removed it' : `wrote version ${version}`} at ${at}`
