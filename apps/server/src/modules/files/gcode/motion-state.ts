/** Where the nozzle is, how moves are meant, and what they have reached so far. */
export class MotionState {
  /** G90, G91. */
  absolute = true
  /** M82, M83. */
  absoluteE = true
  /** Millimetres per unit of the file. */
  unitMm = 1
  /** Position in the machine's coordinates; an axis is NaN until the file names it. */
  x = NaN
  y = NaN
  z = NaN
  e = 0
  /** What `G92` added to the coordinates of the file. */
  offsetX = 0
  offsetY = 0
  offsetZ = 0
  offsetE = 0
  /** Highest E of the selected tool. */
  highestE = 0
  /** The box of all moves that extrude. */
  minX = Infinity
  minY = Infinity
  minZ = Infinity
  maxX = -Infinity
  maxY = -Infinity
  maxZ = -Infinity

  /** Makes the box hold a point; an axis that is NaN never widens it. */
  widen(x: number, y: number, z: number): void {
    if (x < this.minX) this.minX = x
    if (x > this.maxX) this.maxX = x
    if (y < this.minY) this.minY = y
    if (y > this.maxY) this.maxY = y
    if (z < this.minZ) this.minZ = z
    if (z > this.maxZ) this.maxZ = z
  }
}
