import { setTimeout as sleep } from 'node:timers/promises'

import { gatherFacts } from './checker/facts.js'
import { emptyHistory } from './checker/reading-history.js'
import { PassingRows } from './checker/passing-rows.js'
import { judge, type Verdict } from './checker/verdict.js'
import { TOLD } from './checker/event-log.js'
import { EventWitness, type WitnessedStream } from './event-witness.js'
import { eventually } from './eventually.js'
import type { Experiment, Trial } from './experiment.js'
import type { Farm } from './farm/farm.js'
import { Customer } from './orders.js'
import { Person } from './person.js'
import { SeededRandom } from './random.js'

const SETTLE_MS = 8 * 60_000
const LOOK_MS = 500
const TELL_MS = 1_000
/** A stream that tells nothing for so long has nothing to tell. */
const SILENCE_MS = 10_000

export interface TrialReport {
  struck: Map<string, number>
  /** What kept the trial from saying anything. */
  invalid: string[]
  /** Ordered in all. */
  copies: number
  starts: number
  verdict: Verdict | null
}

interface Watchers {
  witness: EventWitness
  person: Person
  passing: PassingRows
}

/** Runs an experiment on a farm that is up: orders, breaks, waits until every copy has come to its end, and judges. */
export const conductTrial = async (
  experiment: Experiment,
  farm: Farm,
  seed: string,
  say: (text: string) => void,
  report: TrialReport,
): Promise<void> => {
  await farm.registerPrinters()
  await farm.online()
  const watchers: Watchers = {
    witness: new EventWitness(farm.gantry),
    person: new Person(farm),
    passing: new PassingRows(farm),
  }
  await eventually('the live streams begin', () => watchers.witness.isFollowing)
  const customer = await Customer.withFiles(farm.gantry, experiment.orders.print, farm.stock)
  const ends: (() => void | Promise<void>)[] = []
  const trial: Trial = {
    ...{ farm, customer, random: new SeededRandom(seed, experiment.name), reassigned: new Set<string>() },
    reading: emptyHistory(),
    streams: [],
    onEnd: (act) => ends.push(act),
    ordered: (fault) => experiment.faults[fault] ?? 0,
    ended: async () => (await endedCopies(farm)).ended,
    struck: (fault, times = 1) => report.struck.set(fault, (report.struck.get(fault) ?? 0) + times),
    disturbed: () => watchers.passing.disturbed(),
  }
  const telling = setInterval(() => void tell(experiment, farm, report, say), TELL_MS)
  try {
    await breakThings(experiment, trial, watchers, report)
    await watchers.person.stop()
    await watchers.passing.stop()
    await experiment.conclude?.(trial)
    await judgeTrial(trial, watchers, report)
  } finally {
    clearInterval(telling)
    for (const end of ends.reverse()) await end()
    watchers.witness.stop()
    await watchers.passing.stop()
    await watchers.person.stop().catch((error: unknown) => report.invalid.push(`the person gave up: ${String(error)}`))
  }
}

const breakThings = async (
  experiment: Experiment,
  trial: Trial,
  { person, passing }: Watchers,
  report: TrialReport,
): Promise<void> => {
  const { farm, customer } = trial
  await experiment.prepare?.(trial)
  person.start()
  passing.start()
  await customer.orderAll(experiment.orders.copies, experiment.orders.copiesPerJob)
  await experiment.run(trial)
  passing.disturbed()
  const settled = async () => {
    const { all, ended } = await endedCopies(farm)
    return all === ended
  }
  try {
    await eventually('every copy has come to its end', settled, { withinMs: SETTLE_MS, everyMs: LOOK_MS })
  } catch (error) {
    // What is left is judged all the same: the counts tell more than that it took too long.
    report.invalid.push(String(error))
  }
}

const judgeTrial = async (
  { farm, customer, reassigned, reading, streams: opened }: Trial,
  { witness, person, passing }: Watchers,
  report: TrialReport,
): Promise<void> => {
  const streams = [...witness.streams, ...opened]
  await caughtUp(farm, streams)
  const { orders } = customer
  const { decisions } = person
  const facts = await gatherFacts(farm, {
    ...{ orders, decisions, reassigned, reading },
    streams,
    stuck: passing.stuck,
  })
  report.copies = customer.copies
  report.starts = facts.starts.length
  report.verdict = judge(facts)
}

const tell = async (
  { faults }: Experiment,
  farm: Farm,
  { struck }: TrialReport,
  say: (text: string) => void,
): Promise<void> => {
  const told = [...struck].map(([fault, count]) => `${count} of ${faults[fault] ?? 0} ${fault}`)
  try {
    const { ended, all } = await endedCopies(farm)
    say([...told, `${ended} of ${all} copies`].join(' · '))
  } catch {
    say([...told, 'the database is down'].join(' · '))
  }
}

const endedCopies = async (farm: Farm): Promise<{ all: number; ended: number }> => {
  const [row] = await farm.db.steadily<{ all: number; ended: number }>(
    `SELECT coalesce(sum(copies), 0)::int AS all,
       coalesce(sum(done_copies + failed_copies + cancelled_copies), 0)::int AS ended FROM print_job`,
  )
  return row ?? { all: 0, ended: 0 }
}

/** Until the streams have told the newest event of their kind, or tell nothing any more: what is missing then is counted. */
const caughtUp = async (farm: Farm, streams: readonly WitnessedStream[]): Promise<void> => {
  const newest = `SELECT txid::text || '-' || seq::text AS cursor FROM event WHERE type = ANY($1)
    ORDER BY txid DESC, seq DESC LIMIT 1`
  const hasTold = async (stream: WitnessedStream) => {
    const [row] = await farm.db.steadily<{ cursor: string }>(newest, [[...TOLD[stream.name]]])
    return row === undefined || stream.events.at(-1)?.cursor === row.cursor
  }
  for (const stream of streams) {
    for (let told = -1; told < stream.events.length && !(await hasTold(stream));) {
      told = stream.events.length
      await sleep(SILENCE_MS)
    }
  }
}
