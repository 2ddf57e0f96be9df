import { alarmsWrong } from './alarms.js'
import { COUNTS, type Check, type CountName } from './check.js'
import { copiesLost } from './copies-lost.js'
import { endedServers } from './ended-servers.js'
import { eventLog } from './event-log.js'
import type { Facts } from './facts.js'
import { gcodeWhilePrinting, mismatches, occupiedBeds } from './machine-counts.js'
import { errorsOutOfTurn } from './errors-out-of-turn.js'
import { printersPerCopy } from './printers-per-copy.js'
import { startsPerCopy } from './starts-per-copy.js'
import { stuckRows } from './stuck-rows.js'
import { wrongAnswers } from './wrong-answers.js'

const CHECKS: readonly Check[] = [
  startsPerCopy,
  occupiedBeds,
  printersPerCopy,
  mismatches,
  gcodeWhilePrinting,
  copiesLost,
  alarmsWrong,
  stuckRows,
  eventLog,
  wrongAnswers,
  errorsOutOfTurn,
  endedServers,
]

export interface Verdict {
  counts: Record<CountName, number>
  /** Sentences, by count. */
  violations: Partial<Record<CountName, string[]>>
}

export const judge = (facts: Facts): Verdict => {
  const found = new Map(CHECKS.map(({ count, violations }) => [count, violations(facts)]))
  const of = (count: CountName) => found.get(count) ?? []
  return {
    counts: Object.fromEntries(COUNTS.map((count) => [count, of(count).length])) as Record<CountName, number>,
    violations: Object.fromEntries([...found].filter(([, sentences]) => sentences.length > 0)),
  }
}
