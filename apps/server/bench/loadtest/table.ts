import { mebibytes } from '../report.js'
import type { Measured } from './measure.js'
import { failuresOf } from './statistics.js'

/** Both sides over all rounds, and round by round. */
export interface Comparison {
  before: Measured
  after: Measured
  rounds: readonly { before: Measured; after: Measured }[]
}

const milliseconds = (ms: number): string => `${ms.toFixed(ms < 10 ? 2 : 1)} ms`
const percent = (share: number): string => `${(share * 100).toFixed(share > 0 && share < 0.01 ? 2 : 0)} %`

interface Measure {
  what: string
  /** Null where the server does not tell. */
  read: (measured: Measured) => number | null
  show: (value: number) => string
}

const AVERAGE: Measure = { what: 'response, average', read: (of) => of.statistics.averageMs, show: milliseconds }
const QUERY_TIME: Measure = { what: 'database time per request', read: (of) => of.costs.queryMs, show: milliseconds }

const MEASURES: readonly Measure[] = [
  { what: 'requests per second', read: (of) => of.statistics.perSecond, show: (value) => value.toFixed(0) },
  AVERAGE,
  { what: 'response, p50', read: (of) => of.statistics.p50Ms, show: milliseconds },
  { what: 'response, p95', read: (of) => of.statistics.p95Ms, show: milliseconds },
  { what: 'response, p99', read: (of) => of.statistics.p99Ms, show: milliseconds },
  QUERY_TIME,
  { what: 'database operations per request', read: (of) => of.costs.queries, show: (value) => value.toFixed(2) },
  { what: 'server CPU per request', read: (of) => of.costs.cpuMs, show: milliseconds },
  { what: 'server memory (RSS)', read: (of) => of.costs.rssBytes, show: mebibytes },
  {
    what: 'failed requests',
    read: (of) => failuresOf(of.statistics) / of.statistics.requests,
    show: percent,
  },
]

const shown = ({ read, show }: Measure, measured: Measured): string => {
  const value = read(measured)
  return value === null ? 'n/a' : show(value)
}

type Pair = Pick<Comparison, 'before' | 'after'>

/** By how much the second is more than the first; null where there is nothing to compare. */
const changeOf = ({ read }: Measure, { before, after }: Pair): number | null => {
  const [first, second] = [read(before), read(after)]
  return first === null || second === null || first === 0 ? null : second / first - 1
}

const signed = (share: number): string => `${share < 0 ? '−' : '+'}${(Math.abs(share) * 100).toFixed(0)} %`

const spreadOf = (measure: Measure, { rounds }: Comparison): string => {
  const changes = rounds.map((round) => changeOf(measure, round)).filter((change) => change !== null)
  return changes.length < 2 ? '' : `${signed(Math.min(...changes))} to ${signed(Math.max(...changes))}`
}

/** Lines as wide as their content, the first cells to the left and the others to the right, with a rule below the head. */
const aligned = ([head, ...rows]: readonly (readonly string[])[]): string => {
  const lines = [head ?? [], ...rows]
  const widths = (head ?? []).map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)))
  const format = (cells: readonly string[]) =>
    `  ${cells.map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0))).join('   ')}`
  const [title = '', ...body] = lines.map((cells) => format(cells))
  const rule = `  ${'─'.repeat(title.length - 2)}`
  return [title.trimEnd(), rule, ...body.map((line) => line.trimEnd()), rule].join('\n')
}

const shareOf = (kind: string, { statistics }: Measured): string =>
  `${(((statistics.kinds.get(kind)?.requests ?? 0) / statistics.requests) * 100).toFixed(0)} %`

const averageOf = (kind: string): Measure => ({
  ...{ what: kind, show: milliseconds },
  read: ({ statistics }) => statistics.kinds.get(kind)?.averageMs ?? null,
})

/** Commonest first. */
const kindsOf = ({ statistics }: Measured): string[] =>
  [...statistics.kinds].sort(([, a], [, b]) => b.requests - a.requests).map(([kind]) => kind)

/** What was claimed before it was measured, beside what was found. */
const claims = (pair: Pair): string => {
  const less = (measure: Measure) => {
    const change = changeOf(measure, pair)
    return change === null ? 'n/a' : percent(-change)
  }
  return aligned([
    ['', 'claimed', 'measured'],
    ['faster responses, on average', '30–50 %', less(AVERAGE)],
    ['less query time per request', '50–70 %', less(QUERY_TIME)],
  ])
}

/** Why a number is missing; nothing when none is. */
const missing = ({ costs }: Measured): string => {
  if (costs.cpuMs === null)
    return '\n\n  n/a: the server told no numbers; /metrics is for admins, is off with ENABLE_METRICS=false, and counts one process'
  return costs.queryMs === null ? '\n\n  n/a: the server does not time its database operations' : ''
}

/** The sides beside each other, in all and by kind of request. */
export const comparisonTable = (compared: Comparison, names: readonly [string, string]): string => {
  const { before, after } = compared
  const line = (measure: Measure) => {
    const change = changeOf(measure, compared)
    const cells = [shown(measure, before), shown(measure, after), change === null ? '' : signed(change)]
    return [measure.what, ...cells, spreadOf(measure, compared)]
  }
  const kindLine = (kind: string) => {
    const [share, measure] = [shareOf(kind, after), averageOf(kind)]
    const change = changeOf(measure, compared)
    return [kind, share, shown(measure, before), shown(measure, after), change === null ? '' : signed(change)]
  }
  return [
    aligned([['', ...names, 'change', 'by round'], ...MEASURES.map(line)]),
    aligned([['average response to', 'share', ...names, 'change'], ...kindsOf(after).map(kindLine)]),
    claims(compared) + missing(after),
  ].join('\n\n')
}

/** One server alone. */
export const singleTable = (measured: Measured, name: string): string => {
  const kindLine = (kind: string) => [kind, shareOf(kind, measured), shown(averageOf(kind), measured)]
  return [
    aligned([['', name], ...MEASURES.map((measure) => [measure.what, shown(measure, measured)])]),
    aligned([['average response to', 'share', name], ...kindsOf(measured).map(kindLine)]) + missing(measured),
  ].join('\n\n')
}

const MEANINGS: Readonly<Record<string, string>> = {
  207: 'a member of a batch failed',
  401: 'the token is no longer accepted',
  403: 'the user may not ask it',
  429: 'RATE_LIMIT_PER_MINUTE of the server is in the way',
  503: 'the server or its database is overloaded',
}

/** What failed and why, in one sentence; null when nothing did. */
export const failureSentence = (name: string, { statistics }: Measured): string | null => {
  const failures = failuresOf(statistics)
  if (failures === 0) return null
  const codes = [...statistics.errors].map(([code, count]) => {
    const meaning = MEANINGS[code]
    return `${count} × ${code}${meaning === undefined ? '' : ` (${meaning})`}`
  })
  return `${name}: ${failures} of ${statistics.requests} requests failed: ${codes.join(', ')}.`
}
