/** A rectangle in the XY plane that an arc lies in, in millimetres. */
export interface Extent {
  minX: number
  minY: number
  maxX: number
  maxY: number
}

interface Arc {
  startX: number
  startY: number
  endX: number
  endY: number
  /** Centre in the same coordinates. */
  centreX: number
  centreY: number
  clockwise: boolean
}

const FULL_TURN = 2 * Math.PI

/** Angle from `from` counter-clockwise to `to`, in (0, 2π]: an arc that ends where it starts is a full circle. */
const turnTo = (from: number, to: number): number => {
  const turn = (to - from) % FULL_TURN
  return turn <= 1e-9 ? turn + FULL_TURN : turn
}

/** The bounding rectangle of an arc: its ends, and each of the circle's four extremes that it passes. */
export function arcExtent(arc: Arc): Extent {
  const { centreX, centreY } = arc
  const radius = Math.hypot(arc.startX - centreX, arc.startY - centreY)
  const startAngle = Math.atan2(arc.startY - centreY, arc.startX - centreX)
  const endAngle = Math.atan2(arc.endY - centreY, arc.endX - centreX)
  const [from, to] = arc.clockwise ? [endAngle, startAngle] : [startAngle, endAngle]
  const sweep = turnTo(from, to)
  const passes = (angle: number): boolean => turnTo(from, angle) < sweep
  return {
    minX: passes(Math.PI) ? centreX - radius : Math.min(arc.startX, arc.endX),
    maxX: passes(0) ? centreX + radius : Math.max(arc.startX, arc.endX),
    minY: passes(-Math.PI / 2) ? centreY - radius : Math.min(arc.startY, arc.endY),
    maxY: passes(Math.PI / 2) ? centreY + radius : Math.max(arc.startY, arc.endY),
  }
}

/**
 * Centre of an arc given by its radius (the R form of G2/G3), or null when the ends are farther apart than the
 * circle is wide. A negative radius asks for the longer way round.
 */
export function centreFromRadius(
  start: { x: number; y: number },
  end: { x: number; y: number },
  radius: number,
  clockwise: boolean,
): { x: number; y: number } | null {
  const halfX = (end.x - start.x) / 2
  const halfY = (end.y - start.y) / 2
  const halfChord = Math.hypot(halfX, halfY)
  if (halfChord === 0 || halfChord > Math.abs(radius)) return null
  const height = Math.sqrt(radius * radius - halfChord * halfChord) / halfChord
  const side = clockwise === radius > 0 ? -1 : 1
  return { x: start.x + halfX - side * height * halfY, y: start.y + halfY + side * height * halfX }
}
