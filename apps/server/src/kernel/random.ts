/** Randomness that tests can fix: a number in [0, 1). Never for secrets. */
export type Random = () => number

/** `ms` ± 50 %, so that many do not knock at the same moment. */
export const jittered = (ms: number, random: Random): number => Math.round(ms * (0.5 + random()))
