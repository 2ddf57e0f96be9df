import type { WitnessedStream } from '../event-witness.js'
import { times, type Check } from './check.js'
import type { EventRow, Facts } from './facts.js'

/** Every event was told live once and in order; and the events of each attempt tell a life that is possible. */
export const eventLog: Check = {
  count: 'gaps or doubles in the event log',
  violations: (facts) => [
    ...facts.streams.flatMap((stream) => streamFaults(stream, facts.events)),
    ...impossibleLives(facts),
  ],
}

/** Which events a stream tells. */
export const TOLD: Record<WitnessedStream['name'], ReadonlySet<string>> = {
  printJobs: new Set(['print_job.created', 'print_job.changed', 'attempt.changed', 'attempt.reassign_requested']),
  alarms: new Set(['alarm.raised', 'alarm.acknowledged', 'alarm.cleared']),
}

const parsed = (cursor: string): [txid: bigint, seq: bigint] => {
  const [txid = '', seq = ''] = cursor.split('-')
  return [BigInt(txid), BigInt(seq)]
}

const isAfter = (cursor: string, other: string): boolean => {
  const [[txid, seq], [otherTxid, otherSeq]] = [parsed(cursor), parsed(other)]
  return txid === otherTxid ? seq > otherSeq : txid > otherTxid
}

const streamFaults = (stream: WitnessedStream, events: readonly EventRow[]): string[] => {
  const { name, from, resyncs, end } = stream
  if (from === null) return [`the stream ${name} never began`]
  const due = events.filter(({ type, cursor }) => TOLD[name].has(type) && isAfter(cursor, from))
  const seen = stream.events.map(({ cursor }) => cursor)
  const known = new Set(seen)
  const wanted = new Set(due.map(({ cursor }) => cursor))
  const unordered = seen.filter((cursor, index) => index > 0 && !isAfter(cursor, seen[index - 1] ?? cursor)).length
  return [
    ...due
      .filter(({ cursor }) => !known.has(cursor))
      .map((event) => `${name}: ${event.type} ${event.cursor} was not told`),
    ...[...known]
      .filter((cursor) => !wanted.has(cursor))
      .map((cursor) => `${name}: ${cursor} was told and is not there`),
    ...times(unordered, `${name}: an event came twice or out of order`),
    ...times(resyncs, `${name}: the stream had to begin anew`),
    ...(end !== null && end.type !== 'stopped' ? [`${name}: the stream ended: ${end.type}`] : []),
  ]
}

/** What may follow what; the checker's own word, not the server's. */
const NEXT: Readonly<Record<string, readonly string[]>> = {
  '': ['claimed'],
  claimed: ['uploading', 'revoked'],
  uploading: ['starting', 'printing', 'paused', 'completed', 'failed', 'cancelled', 'revoked', 'unknown'],
  starting: ['printing', 'paused', 'completed', 'failed', 'cancelled', 'revoked', 'unknown'],
  printing: ['printing', 'paused', 'completed', 'failed', 'cancelled', 'unknown'],
  paused: ['printing', 'paused', 'completed', 'failed', 'cancelled', 'unknown'],
  unknown: ['printing', 'paused', 'completed', 'failed', 'cancelled', 'revoked'],
}

const impossibleLives = ({ events, attempts }: Facts): string[] => {
  const lives = new Map<string, EventRow[]>()
  // Written under the attempt's lock, so their numbers are in the order of what happened.
  for (const event of [...events].sort((a, b) => a.seq - b.seq)) {
    if (event.type === 'attempt.changed') lives.set(event.subjectId, [...(lives.get(event.subjectId) ?? []), event])
  }
  return attempts.flatMap(({ id, state }) => {
    let now = ''
    const broken: string[] = []
    for (const { payload } of lives.get(id) ?? []) {
      const [from, to] = [stateIn(payload['from']), stateIn(payload['to'])]
      if (from !== now || !(NEXT[from] ?? []).includes(to))
        broken.push(`attempt ${id}: ${now} and then ${from} → ${to}`)
      now = to
    }
    return now === state ? broken : [...broken, `attempt ${id} is ${state}; its events end with "${now}"`]
  })
}

const stateIn = (value: unknown): string => (typeof value === 'string' ? value : '')
