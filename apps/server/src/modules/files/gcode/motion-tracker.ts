import { arcExtent, centreFromRadius } from './arc-extent.js'
import { MotionState } from './motion-state.js'
import { LETTER, maskOf, type Words } from './words.js'

/** More tools than any printer has; firmware uses numbers beyond it (`T255`, `T1000`) for something else. */
export const MAX_TOOLS = 64

const INCH_MM = 25.4
const AXES = maskOf('X', 'Y', 'Z')
const WITH_E = maskOf('E')
const WITH_X = maskOf('X')
const WITH_Y = maskOf('Y')
const WITH_Z = maskOf('Z')

interface PointMm {
  x: number
  y: number
  z: number
}

/**
 * Follows the nozzle through a file and keeps the box of all moves that extrude, and the filament per tool. Positions
 * are the machine's, so `G92` shifts an offset only. An axis is NaN until the file names it; NaN never widens the box.
 */
export class MotionTracker {
  readonly state = new MotionState()
  /** E of each tool that is not selected, and the highest it ever had. */
  readonly #parkedE = new Float64Array(MAX_TOOLS)
  readonly #parkedHighestE = new Float64Array(MAX_TOOLS)
  #tool = 0
  #volumetric = false

  get tool(): number {
    return this.#tool
  }

  /** G0, G1. */
  moveLinear(words: Words): void {
    const { valued } = words
    const fromX = this.state.x
    const fromY = this.state.y
    const fromZ = this.state.z
    this.#moveAxes(words)
    if ((valued & WITH_E) === 0 || !this.#extrude(words) || (valued & AXES) === 0) return
    this.state.widen(fromX, fromY, fromZ)
    this.state.widen(this.state.x, this.state.y, this.state.z)
  }

  /** G2 (clockwise), G3. Arcs outside the XY plane count by their ends alone. */
  moveArc(words: Words, clockwise: boolean): void {
    const start = { x: this.state.x, y: this.state.y, z: this.state.z }
    this.#moveAxes(words)
    if ((words.valued & WITH_E) === 0 || !this.#extrude(words)) return
    this.state.widen(start.x, start.y, start.z)
    this.state.widen(this.state.x, this.state.y, this.state.z)
    const centre = this.#arcCentre(start, words, clockwise)
    if (centre === null) return
    const ends = { startX: start.x, startY: start.y, endX: this.state.x, endY: this.state.y }
    const extent = arcExtent({ ...ends, centreX: centre.x, centreY: centre.y, clockwise })
    this.state.widen(extent.minX, extent.minY, this.state.z)
    this.state.widen(extent.maxX, extent.maxY, this.state.z)
  }

  /** G28: homed axes are somewhere the file does not tell. */
  home(words: Words): void {
    const all = (words.named & AXES) === 0
    if (all || (words.named & WITH_X) !== 0) [this.state.x, this.state.offsetX] = [NaN, 0]
    if (all || (words.named & WITH_Y) !== 0) [this.state.y, this.state.offsetY] = [NaN, 0]
    if (all || (words.named & WITH_Z) !== 0) [this.state.z, this.state.offsetZ] = [NaN, 0]
  }

  /** G92: the given coordinates become the names of where the nozzle is. */
  setPosition(words: Words): void {
    const offset = (letter: number, position: number, current: number): number => {
      const value = words.get(letter)
      if (value === null) return current
      return Number.isNaN(position) ? 0 : position - value * this.state.unitMm
    }
    this.state.offsetX = offset(LETTER.X, this.state.x, this.state.offsetX)
    this.state.offsetY = offset(LETTER.Y, this.state.y, this.state.offsetY)
    this.state.offsetZ = offset(LETTER.Z, this.state.z, this.state.offsetZ)
    this.state.offsetE = offset(LETTER.E, this.state.e, this.state.offsetE)
  }

  /** G90, G91. As in Klipper, E is relative under `G91` too, and `G90` gives back what `M82` or `M83` last chose. */
  setAbsolute(absolute: boolean): void {
    this.state.absolute = absolute
  }

  /** M82, M83. */
  setAbsoluteExtrusion(absolute: boolean): void {
    this.state.absoluteE = absolute
  }

  /** M200: with a filament diameter above 0, E is a volume from here on and lengths cannot be told. */
  setVolumetric(filamentDiameterMm: number): void {
    if (filamentDiameterMm > 0) this.#volumetric = true
  }

  /** G20, G21. */
  setInches(inches: boolean): void {
    this.state.unitMm = inches ? INCH_MM : 1
  }

  selectTool(tool: number): void {
    if (tool < 0 || tool >= MAX_TOOLS) return
    const position = this.state.e - this.state.offsetE
    this.#park()
    this.#tool = tool
    this.state.e = this.#parkedE[tool] ?? 0
    this.state.highestE = this.#parkedHighestE[tool] ?? 0
    this.state.offsetE = this.state.e - position
  }

  /**
   * Filament per tool up to the last tool that extruded; null if E is no length. The highest E of a tool is what it
   * used: retracting and priming again go below it and back.
   */
  extrudedMm(): number[] | null {
    if (this.#volumetric) return null
    this.#park()
    const last = this.#parkedHighestE.findLastIndex((lengthMm) => lengthMm > 0)
    return Array.from(this.#parkedHighestE.subarray(0, last + 1))
  }

  /** Box of the moves that extrude, or null if none did. */
  boundingBox(): { minMm: PointMm; maxMm: PointMm } | null {
    const minMm = { x: this.state.minX, y: this.state.minY, z: this.state.minZ }
    const maxMm = { x: this.state.maxX, y: this.state.maxY, z: this.state.maxZ }
    const known = Object.values(minMm).every(Number.isFinite)
    return known ? { minMm, maxMm } : null
  }

  #moveAxes(words: Words): void {
    const { valued, values } = words
    const unit = this.state.unitMm
    if (this.state.absolute) {
      if ((valued & WITH_X) !== 0) this.state.x = (values[LETTER.X] ?? 0) * unit + this.state.offsetX
      if ((valued & WITH_Y) !== 0) this.state.y = (values[LETTER.Y] ?? 0) * unit + this.state.offsetY
      if ((valued & WITH_Z) !== 0) this.state.z = (values[LETTER.Z] ?? 0) * unit + this.state.offsetZ
    } else {
      if ((valued & WITH_X) !== 0) this.state.x += (values[LETTER.X] ?? 0) * unit
      if ((valued & WITH_Y) !== 0) this.state.y += (values[LETTER.Y] ?? 0) * unit
      if ((valued & WITH_Z) !== 0) this.state.z += (values[LETTER.Z] ?? 0) * unit
    }
  }

  /** Moves E; true if that pushed filament out. */
  #extrude(words: Words): boolean {
    const value = (words.values[LETTER.E] ?? 0) * this.state.unitMm
    const before = this.state.e
    this.state.e = this.state.absoluteE && this.state.absolute ? value + this.state.offsetE : before + value
    if (this.state.e > this.state.highestE) this.state.highestE = this.state.e
    return this.state.e > before
  }

  #park(): void {
    this.#parkedE[this.#tool] = this.state.e
    this.#parkedHighestE[this.#tool] = this.state.highestE
  }

  #arcCentre(start: PointMm, words: Words, clockwise: boolean): { x: number; y: number } | null {
    const i = words.get(LETTER.I)
    const j = words.get(LETTER.J)
    const unit = this.state.unitMm
    if (i !== null || j !== null) return { x: start.x + (i ?? 0) * unit, y: start.y + (j ?? 0) * unit }
    const radius = words.get(LETTER.R)
    if (radius === null) return null
    return centreFromRadius(start, { x: this.state.x, y: this.state.y }, radius * unit, clockwise)
  }
}
