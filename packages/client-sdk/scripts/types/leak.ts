/** A type of the router that clients must not see, or cannot: named by where it stands. */
export class LeakError extends Error {
  constructor(
    readonly at: string,
    readonly what: string,
  ) {
    super(`${at}: ${what}`)
  }
}
