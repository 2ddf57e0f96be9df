import type { GcodeCommand } from './gcode-line.js'
import type { Position } from './machine.types.js'

const MAX_MM_PER_SECOND = 500
const ACCELERATION_MM_PER_SECOND2 = 3000
const MM_PER_INCH = 25.4
type Axis = 'x' | 'y' | 'z' | 'e'
const LETTER: Readonly<Record<Axis, string>> = { x: 'X', y: 'Y', z: 'Z', e: 'E' }
const AXES: readonly Axis[] = ['x', 'y', 'z', 'e']

/** What a move did. */
export interface Move {
  readonly durationMs: number
  /** Filament pushed (negative: pulled), flow factor included. */
  readonly extrudedMm: number
  /** True when filament was laid while the head moved in XY. */
  readonly laysMaterial: boolean
}

/** Position, modes and the time that moves take. */
export class Motion {
  speedFactor = 1
  flowFactor = 1
  homedAxes = ''
  feedMmPerSecond = 25
  #at = { x: 0, y: 0, z: 0, e: 0 }
  #absolute = true
  #absoluteE = true
  #unitMm = 1
  #velocity: readonly [number, number, number] = [0, 0, 0]

  get position(): Position {
    return { ...this.#at }
  }

  get z(): number {
    return this.#at.z
  }

  setAbsolute(absolute: boolean): void {
    this.#absolute = absolute
    this.#absoluteE = absolute
  }

  setAbsoluteExtrusion(absolute: boolean): void {
    this.#absoluteE = absolute
  }

  setInches(inches: boolean): void {
    this.#unitMm = inches ? MM_PER_INCH : 1
  }

  /** G92. */
  setPosition(command: GcodeCommand): void {
    for (const axis of AXES) {
      const value = command.params.get(LETTER[axis])
      if (value !== undefined) this.#at[axis] = value * this.#unitMm
    }
  }

  /** G28: homes the named axes, or all. Returns the ms it takes. */
  home(command: GcodeCommand): number {
    const named = (['x', 'y', 'z'] as const).filter((axis) => command.params.has(axis.toUpperCase()))
    const axes = named.length > 0 ? named : (['x', 'y', 'z'] as const)
    for (const axis of axes) this.#at[axis] = 0
    this.homedAxes = (['x', 'y', 'z'] as const)
      .filter((axis) => this.homedAxes.includes(axis) || axes.includes(axis))
      .join('')
    this.stop()
    return axes.length * 4000
  }

  /** The head stands still; the next move starts from rest. */
  stop(): void {
    this.#velocity = [0, 0, 0]
  }

  motorsOff(): void {
    this.homedAxes = ''
    this.stop()
  }

  /** G0 and G1. */
  line(command: GcodeCommand): Move {
    const from = { ...this.#at }
    this.#moveTo(command)
    const delta: [number, number, number] = [this.#at.x - from.x, this.#at.y - from.y, this.#at.z - from.z]
    return this.#move(length3(...delta), delta, this.#at.e - from.e)
  }

  /** G2 and G3, by centre (I, J) or radius (R); the length is that of the arc, with its rise in Z. */
  arc(command: GcodeCommand, clockwise: boolean): Move {
    const from = { ...this.#at }
    this.#moveTo(command)
    const flat = arcLength(from, this.#at, command.params, this.#unitMm, clockwise)
    const delta: [number, number, number] = [this.#at.x - from.x, this.#at.y - from.y, this.#at.z - from.z]
    return this.#move(Math.hypot(flat, delta[2]), delta, this.#at.e - from.e)
  }

  #moveTo(command: GcodeCommand): void {
    const feed = command.params.get('F')
    if (feed !== undefined && feed > 0) this.feedMmPerSecond = (feed * this.#unitMm) / 60
    for (const axis of AXES) {
      const value = command.params.get(LETTER[axis])
      if (value === undefined) continue
      const absolute = axis === 'e' ? this.#absoluteE : this.#absolute
      this.#at[axis] = absolute ? value * this.#unitMm : this.#at[axis] + value * this.#unitMm
    }
  }

  #move(lengthMm: number, delta: readonly [number, number, number], extruded: number): Move {
    const extrudedMm = extruded * this.flowFactor
    const distanceMm = lengthMm > 0 ? lengthMm : Math.abs(extruded)
    if (distanceMm === 0) return { durationMs: 0, extrudedMm, laysMaterial: false }
    const speed = Math.min(this.feedMmPerSecond * this.speedFactor, MAX_MM_PER_SECOND)
    const direct = length3(...delta)
    const scale = direct > 0 ? speed / direct : 0
    const velocity = [delta[0] * scale, delta[1] * scale, delta[2] * scale] as const
    const durationMs = this.#durationMs(distanceMm, speed, velocity)
    this.#velocity = velocity
    return { durationMs, extrudedMm, laysMaterial: extruded > 0 && (delta[0] !== 0 || delta[1] !== 0) }
  }

  /** Time at speed, plus the time that changing the velocity costs, but never more than from rest to rest. */
  #durationMs(distanceMm: number, speed: number, velocity: readonly [number, number, number]): number {
    const [x, y, z] = this.#velocity
    const change = length3(velocity[0] - x, velocity[1] - y, velocity[2] - z)
    const turnSeconds = change / (2 * ACCELERATION_MM_PER_SECOND2)
    const restSeconds = 2 * Math.sqrt(distanceMm / ACCELERATION_MM_PER_SECOND2)
    return (distanceMm / speed + Math.min(turnSeconds, restSeconds)) * 1000
  }
}

/** Three times as fast as Math.hypot, whose care for overflow a printer does not need. */
function length3(x: number, y: number, z: number): number {
  return Math.sqrt(x * x + y * y + z * z)
}

interface Point {
  readonly x: number
  readonly y: number
}

function arcLength(
  from: Point,
  to: Point,
  params: ReadonlyMap<string, number>,
  unitMm: number,
  clockwise: boolean,
): number {
  const chord = Math.hypot(to.x - from.x, to.y - from.y)
  const givenRadius = params.get('R')
  if (givenRadius !== undefined) {
    const radius = Math.max(Math.abs(givenRadius * unitMm), chord / 2)
    const angle = 2 * Math.asin(radius > 0 ? chord / 2 / radius : 0)
    return radius * (givenRadius < 0 ? 2 * Math.PI - angle : angle)
  }
  const centre = { x: from.x + (params.get('I') ?? 0) * unitMm, y: from.y + (params.get('J') ?? 0) * unitMm }
  const start = Math.atan2(from.y - centre.y, from.x - centre.x)
  const end = Math.atan2(to.y - centre.y, to.x - centre.x)
  const sweep = clockwise ? start - end : end - start
  const turn = ((sweep % (2 * Math.PI)) + 2 * Math.PI) % (2 * Math.PI)
  const radius = Math.hypot(from.x - centre.x, from.y - centre.y)
  // Start and end in one point is a full circle.
  return radius * (turn < 1e-9 ? 2 * Math.PI : turn)
}
