import { mebibytes, median } from '../report.js'
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
  /** Over all rounds; else the median of the rounds is shown. */
  isTotal?: true
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
    isTotal: true,
  },
]

/** Null as soon as one is. */
const medianOf = (values: readonly (number | null)[]): number | null => {
  const known = values.filter((value) => value !== null)
  return known.length === values.length ? median(known) : null
}

const text = (value: number | null, show: (value: number) => string): string => (value === null ? 'n/a' : show(value))
const shown = ({ read, show }: Measure, measured: Measured): string => text(read(measured), show)

type Pair = Pick<Comparison, 'before' | 'after'>

/** By how much the second is more than the first; null where there is nothing to compare. */
const changeOf = ({ read }: Measure, { before, after }: Pair): number | null => {
  const [first, second] = [read(before), read(after)]
  return first === null || second === null || first === 0 ? null : second / first - 1
}

const signed = (share: number): string => {
  const digits = (Math.abs(share) * 100).toFixed(0)
  return digits === '0' ? '0 %' : `${share < 0 ? '−' : '+'}${digits} %`
}

const NO_CHANGE = { typical: null, spread: '' }

/** How the change was in most rounds, and between which. */
const changesIn = (measure: Measure, { rounds }: Comparison): { typical: number | null; spread: string } => {
  const changes = rounds.map((round) => changeOf(measure, round)).filter((change) => change !== null)
  if (changes.length === 0 || measure.isTotal === true) return NO_CHANGE
  return { typical: median(changes), spread: `${signed(Math.min(...changes))} to ${signed(Math.max(...changes))}` }
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
const claims = (compared: Comparison): string => {
  const less = (measure: Measure) => text(changesIn(measure, compared).typical, (change) => percent(-change))
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
  const side = (measure: Measure, name: 'before' | 'after') => {
    if (measure.isTotal === true) return shown(measure, compared[name])
    return text(medianOf(compared.rounds.map((round) => measure.read(round[name]))), measure.show)
  }
  const line = (measure: Measure) => {
    const { typical, spread } = changesIn(measure, compared)
    const change = typical === null ? '' : signed(typical)
    return [measure.what, side(measure, 'before'), side(measure, 'after'), change, spread]
  }
  const kindLine = (kind: string) => {
    const [share, measure] = [shareOf(kind, after), averageOf(kind)]
    const change = changeOf(measure, compared)
    return [kind, share, shown(measure, before), shown(measure, after), change === null ? '' : signed(change)]
  }
  return [
    aligned([['median of the rounds', ...names, 'change', 'in all rounds'], ...MEASURES.map(line)]),
    aligned([['average response, over all rounds', 'share', ...names, 'change'], ...kindsOf(after).map(kindLine)]),
    claims(compared) + missing(after),
  ].join('\n\n')
}

/** One server alone. */
export const singleTable = (measured: Measured, name: string): string => {
  const kindLine = (kind: string) => [kind, shareOf(kind, measured), shown(averageOf(kind), measured)]
  return [
    aligned([['', name], ...MEASURES.map((measure) => [measure.what, shown(measure, measured)])]),
    aligned([['average response', 'share', name], ...kindsOf(measured).map(kindLine)]) + missing(measured),
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
