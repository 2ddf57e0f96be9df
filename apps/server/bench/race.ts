import { median, range, type Row } from './report.js'

export type Contender = readonly [what: string, call: (n: number) => Promise<unknown>]

export interface Race {
  rounds: number
  /** How long each runs in a round. */
  ms: number
  /** Calls at a time. @default 1 */
  lanes?: number
}

/** So many calls are made between two looks at the clock. */
const STRIDE = 50

/** Calls per second in about so many milliseconds. */
const rate = async (call: Contender[1], ms: number, lanes: number): Promise<number> => {
  const began = performance.now()
  const took = () => performance.now() - began
  let calls = 0
  const lane = async () => {
    while (took() < ms) for (let n = 0; n < STRIDE; n += 1) await call(calls++)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
  return (calls / took()) * 1_000
}

/**
 * All in turn, round by round, so that what else the machine does strikes each.
 * @returns calls per second, by contender and round
 */
export const race = async (contenders: readonly Contender[], { rounds, ms, lanes = 1 }: Race): Promise<number[][]> => {
  const rates = contenders.map((): number[] => [])
  for (let round = 0; round <= rounds; round += 1) {
    for (const [n, [, call]] of contenders.entries()) {
      const perSecond = await rate(call, ms, lanes)
      // The first round warms up.
      if (round > 0) rates[n]?.push(perSecond)
    }
  }
  return rates
}

export const rowsOf = (contenders: readonly Contender[], rates: readonly number[][]): Row[] =>
  contenders.map(([what], n) => {
    const [first = [], own = []] = [rates[0], rates[n]]
    const ratios = own.map((perSecond, round) => perSecond / (first[round] ?? NaN))
    const decimals = median(ratios) < 0.1 ? 3 : 2
    const note = n === 0 ? '' : `${median(ratios).toFixed(decimals)} of the first (${range(ratios, decimals)})`
    return { what, value: `${Math.round(median(own)).toLocaleString('en')}/s`, note }
  })
