import { percentile } from '../report.js'

/** What became of one request. */
export interface Sample {
  /** Which kind of the mix it was. */
  kind: string
  ms: number
  /** `ok`, the status that is none of success, or how the connection failed. */
  outcome: string
}

/** Requests between one moment and another. */
export interface Stretch {
  seconds: number
  samples: readonly Sample[]
}

export interface Answers {
  requests: number
  perSecond: number
  averageMs: number
  p50Ms: number
  p95Ms: number
  p99Ms: number
}

export interface Statistics extends Answers {
  /** How often each outcome other than `ok` came. */
  errors: ReadonlyMap<string, number>
  kinds: ReadonlyMap<string, Answers>
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)

const answersIn = (samples: readonly Sample[], seconds: number): Answers => {
  const times = samples.map(({ ms }) => ms)
  return {
    requests: times.length,
    perSecond: times.length / seconds,
    averageMs: sum(times) / times.length,
    p50Ms: percentile(times, 0.5),
    p95Ms: percentile(times, 0.95),
    p99Ms: percentile(times, 0.99),
  }
}

/** All stretches as one. Requests that failed count as requests, and their times as times. */
export const statisticsOf = (stretches: readonly Stretch[]): Statistics => {
  const samples = stretches.flatMap((stretch) => stretch.samples)
  const seconds = sum(stretches.map((stretch) => stretch.seconds))
  const errors = new Map<string, number>()
  const kinds = new Map<string, Sample[]>()
  for (const sample of samples) {
    if (sample.outcome !== 'ok') errors.set(sample.outcome, (errors.get(sample.outcome) ?? 0) + 1)
    const alike = kinds.get(sample.kind)
    if (alike === undefined) kinds.set(sample.kind, [sample])
    else alike.push(sample)
  }
  return {
    ...answersIn(samples, seconds),
    errors,
    kinds: new Map([...kinds].map(([kind, alike]) => [kind, answersIn(alike, seconds)])),
  }
}

export const failuresOf = ({ errors }: Pick<Statistics, 'errors'>): number => sum([...errors.values()])
