import fc from 'fast-check'

/** One thing that goes wrong, or that a person does. Targets are taken modulo what there is. */
export interface Trouble {
  kind: (typeof TROUBLES)[number]
  atMs: number
  target: number
  forMs: number
}

const TROUBLES = [
  'kill',
  'freeze',
  'shutdown',
  'databaseCut',
  'hostAway',
  'hostCut',
  'hostRestart',
  'hostPower',
  'cancelJob',
  'releaseJob',
  'reassign',
  'panelCancel',
  'foreignPrint',
] as const

/** What a run is about; all else follows from `seed` and the order that the scheduler picks. */
export interface Plan {
  seed: number
  printers: number
  instances: number
  copies: number[]
  /** How often single calls and transactions go wrong. */
  rate: number
  /** How often a start arrives late. */
  lateStarts: number
  troubles: Trouble[]
}

/** Faults and persons are at work for so long; afterwards everything must come to its end. */
export const TROUBLED_MS = 120_000

const troubleOf = (kinds: readonly Trouble['kind'][], withinMs: number): fc.Arbitrary<Trouble> =>
  fc.record({
    kind: fc.constantFrom(...kinds),
    atMs: fc.integer({ min: 0, max: withinMs }),
    target: fc.nat({ max: 11 }),
    forMs: fc.integer({ min: 100, max: 40_000 }),
  })

export const plans: fc.Arbitrary<Plan> = fc.record({
  seed: fc.nat(),
  printers: fc.integer({ min: 1, max: 3 }),
  instances: fc.integer({ min: 1, max: 3 }),
  copies: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 2 }),
  rate: fc.constantFrom(0, 0.02, 0.08),
  lateStarts: fc.constantFrom(0, 0.2),
  troubles: fc.array(troubleOf(TROUBLES, TROUBLED_MS - 40_000), { maxLength: 10, size: 'max' }),
})

/** Rooms in which little else goes wrong than this, and that often. */
export const plansOf = (
  kinds: readonly Trouble['kind'][],
  { rate = 0, lateStarts = 0 }: Partial<Pick<Plan, 'rate' | 'lateStarts'>>,
): fc.Arbitrary<Plan> =>
  fc.record({
    seed: fc.nat(),
    printers: fc.constant(2),
    instances: fc.constant(2),
    copies: fc.constant([4]),
    rate: fc.constant(rate),
    lateStarts: fc.constant(lateStarts),
    troubles:
      kinds.length === 0 ? fc.constant([]) : fc.array(troubleOf(kinds, 60_000), { minLength: 8, maxLength: 12 }),
  })
