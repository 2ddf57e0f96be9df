/** This process's clock, for waits and ages. Domain times are the database's. Milliseconds since 1970. */
export interface Clock {
  now(): number
}

export const systemClock: Clock = { now: () => Date.now() }
