/** Machine time. It may run faster than the wall; every duration that a printer reports is machine time. */
export interface Clock {
  /** Machine time in ms since the clock was made; never goes back. */
  nowMs(): number
  /** Unix time in ms; what a host writes into dates, whatever the speed. */
  wallMs(): number
  /** Machine seconds per wall second. */
  readonly speed: number
  /** Changes the speed from now on. @throws RangeError outside 0.001 to 100,000 */
  setSpeed(speed: number): void
}

/** @throws RangeError outside 0.001 to 100,000 */
export function assertSpeed(speed: number): void {
  if (!(speed >= 0.001 && speed <= 100_000))
    throw new RangeError(`speed must lie between 0.001 and 100000, not ${speed}`)
}

/** Machine time derived from a monotonic wall clock by a factor that can change while it runs. */
export class ScaledClock implements Clock {
  #speed: number
  #baseMachineMs = 0
  #baseWallMs: number

  constructor(
    speed = 1,
    private readonly monotonicMs: () => number = () => performance.now(),
  ) {
    assertSpeed(speed)
    this.#speed = speed
    this.#baseWallMs = monotonicMs()
  }

  get speed(): number {
    return this.#speed
  }

  nowMs(): number {
    return this.#baseMachineMs + (this.monotonicMs() - this.#baseWallMs) * this.#speed
  }

  wallMs(): number {
    return Date.now()
  }

  setSpeed(speed: number): void {
    assertSpeed(speed)
    this.#baseMachineMs = this.nowMs()
    this.#baseWallMs = this.monotonicMs()
    this.#speed = speed
  }
}
