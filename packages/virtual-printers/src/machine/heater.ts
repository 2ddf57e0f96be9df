import type { HeaterReading } from './machine.types.js'

const AMBIENT_CELSIUS = 22

interface HeaterModel {
  /** Where full power would end; targets are clamped 10 °C below it. */
  readonly fullPowerCelsius: number
  /** Time constant of heating, seconds. */
  readonly heatSeconds: number
  /** Time constant of cooling, seconds. */
  readonly coolSeconds: number
}

/** 22 → 210 °C in about 80 s. */
export const NOZZLE_MODEL: HeaterModel = { fullPowerCelsius: 400, heatSeconds: 120, coolSeconds: 110 }
/** 22 → 60 °C in about 100 s. */
export const BED_MODEL: HeaterModel = { fullPowerCelsius: 150, heatSeconds: 280, coolSeconds: 420 }

/** Waiting for a cooler temperature ends this close to it. */
const COOLED_WITHIN_CELSIUS = 1

/** A first-order heater, computed from its last change of target: idle printers cost nothing. */
export class Heater {
  target = 0
  #sinceMs = 0
  #fromCelsius = AMBIENT_CELSIUS

  constructor(private readonly model: HeaterModel) {}

  /** Clamps to what the heater can reach; 0 is off. */
  setTarget(celsius: number, nowMs: number): void {
    this.#fromCelsius = this.actualAt(nowMs)
    this.#sinceMs = nowMs
    this.target = Math.min(Math.max(celsius, 0), this.model.fullPowerCelsius - 10)
  }

  actualAt(nowMs: number): number {
    const seconds = Math.max(0, nowMs - this.#sinceMs) / 1000
    const goal = Math.max(this.target, AMBIENT_CELSIUS)
    if (goal > this.#fromCelsius) {
      const { fullPowerCelsius: full, heatSeconds } = this.model
      return Math.min(goal, full - (full - this.#fromCelsius) * Math.exp(-seconds / heatSeconds))
    }
    return goal + (this.#fromCelsius - goal) * Math.exp(-seconds / this.model.coolSeconds)
  }

  /** Machine ms until the target is reached; 0 when it is off, reached, or lower and `coolToo` is false. */
  msUntilReached(nowMs: number, coolToo: boolean): number {
    if (this.target === 0) return 0
    const actual = this.actualAt(nowMs)
    const { fullPowerCelsius: full, heatSeconds, coolSeconds } = this.model
    if (actual < this.target) return heatSeconds * Math.log((full - actual) / (full - this.target)) * 1000
    const goal = Math.max(this.target, AMBIENT_CELSIUS)
    if (!coolToo || actual - goal <= COOLED_WITHIN_CELSIUS) return 0
    return coolSeconds * Math.log((actual - goal) / COOLED_WITHIN_CELSIUS) * 1000
  }

  readingAt(nowMs: number): HeaterReading {
    const actual = this.actualAt(nowMs)
    const regulating = this.target > 0 && Math.abs(actual - this.target) < 0.5
    // A regulated heater never stands still; readers that wait for equality must fail here as on a real one.
    const ripple = regulating ? 0.15 * Math.sin(nowMs / 2700) : 0
    return { actualCelsius: round2(actual + ripple), targetCelsius: this.target, power: this.#power(actual) }
  }

  #power(actual: number): number {
    if (this.target === 0 || actual > this.target + 0.5) return 0
    if (actual < this.target - 0.5) return 1
    return round2((this.target - AMBIENT_CELSIUS) / (this.model.fullPowerCelsius - AMBIENT_CELSIUS))
  }
}

function round2(value: number): number {
  return Math.round(value * 100) / 100
}
