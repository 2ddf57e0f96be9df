import { times, type Check } from './check.js'
import type { AlarmRow, EventRow, Facts } from './facts.js'

/** Raised for an attempt that nobody knows how it stands. */
const UNKNOWN_CODES = new Set(['PRINTER_LOST', 'ATTEMPT_UNKNOWN'])

/**
 * Recomputed from what happened: each time an attempt became unknown there is one alarm of it, open for as long as it is
 * unknown; each print that failed has one; and none has another reason.
 */
export const alarmsWrong: Check = {
  count: 'alarms missing or doubled',
  violations: (facts) => [
    ...openTwice(facts.alarms),
    ...ofUnknownAttempts(facts),
    ...ofFailedPrints(facts),
    ...withoutEvents(facts),
  ],
}

const openTwice = (alarms: readonly AlarmRow[]): string[] => {
  const open = alarms.filter(({ isOpen }) => isOpen).map(({ code, subjectId }) => `${code} of ${subjectId}`)
  return open.filter((alarm, index) => open.indexOf(alarm) !== index).map((alarm) => `${alarm} is open twice`)
}

const becameUnknown = (events: readonly EventRow[]): Map<string, number> => {
  const found = new Map<string, number>()
  for (const { type, subjectId, payload } of events) {
    if (type !== 'attempt.changed' || payload['to'] !== 'unknown') continue
    found.set(subjectId, (found.get(subjectId) ?? 0) + 1)
  }
  return found
}

const ofUnknownAttempts = ({ events, alarms, attempts }: Facts): string[] => {
  const expected = becameUnknown(events)
  return attempts.flatMap(({ id, state }) => {
    const raised = alarms.filter(({ code, subjectId }) => subjectId === id && UNKNOWN_CODES.has(code))
    const open = raised.filter(({ isOpen }) => isOpen).length
    const wanted = expected.get(id) ?? 0
    const wantedOpen = state === 'unknown' ? 1 : 0
    return [
      ...times(
        Math.abs(wanted - raised.length),
        `attempt ${id} became unknown ${wanted} times, and has ${raised.length} alarms`,
      ),
      ...times(Math.abs(wantedOpen - open), `attempt ${id} is ${state}, and ${open} alarms say that it is unknown`),
    ]
  })
}

const ofFailedPrints = ({ alarms, attempts }: Facts): string[] =>
  attempts.flatMap(({ id, state, reasonCode }) => {
    const raised = alarms.filter(({ code, subjectId }) => code === 'PRINT_FAILED' && subjectId === id).length
    const wanted = state === 'failed' && reasonCode === 'PRINT_FAILED' ? 1 : 0
    return times(Math.abs(wanted - raised), `attempt ${id} is ${state}, and has ${raised} alarms of a failed print`)
  })

/** Who follows the events live must have heard of each alarm once, and of its end once. */
const withoutEvents = ({ alarms, events }: Facts): string[] => {
  const count = (type: string, id: string) =>
    events.filter((event) => event.type === type && event.subjectId === id).length
  return alarms.flatMap(({ id, code, isOpen }) => {
    const [raised, cleared] = [count('alarm.raised', id), count('alarm.cleared', id)]
    if (raised === 1 && cleared === (isOpen ? 0 : 1)) return []
    return [`${code} ${id} was told ${raised} times, and its end ${cleared} times; it is ${isOpen ? 'open' : 'over'}`]
  })
}
