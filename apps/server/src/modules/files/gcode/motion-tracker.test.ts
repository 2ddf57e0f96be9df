import { describe, expect, it } from 'vitest'
import { GcodeScanner } from './gcode-scanner.js'

function follow(gcode: string) {
  const scanner = new GcodeScanner()
  scanner.push(Buffer.from(gcode))
  const scan = scanner.finish()
  if (!scan.isGcode) throw new Error(scan.reason)
  const { boundingBox, filaments } = scan.metadata
  return { box: boundingBox, used: filaments.map((use) => use.lengthMm) }
}

const box = (minMm: [number, number, number], maxMm: [number, number, number]) => {
  const point = ([x, y, z]: [number, number, number]) => ({ x, y, z })
  return { minMm: point(minMm), maxMm: point(maxMm) }
}

describe('MotionTracker', () => {
  it('counts moves that extrude, not travels, retractions or priming on the spot', () => {
    const moves = 'G90\nM83\nG0 X200 Y200 Z10\nG1 E5\nG1 X10 Y10 Z0.2\nG1 X20 Y15 E1\nG1 X90 E-2\nG0 X-50\n'
    expect(follow(moves).box).toMatchObject(box([10, 10, 0.2], [20, 15, 0.2]))
  })

  it('follows absolute extrusion through G92', () => {
    const moves = 'M82\nG1 X0 Y0 Z1 F900\nG1 X5 E10\nG92 E0\nG1 X9 E1\nG1 X30 E0.5\nG1 X12 Y2 E2\n'
    // The move to 30 draws filament back; the one from 30 pushes it out again.
    expect(follow(moves)).toMatchObject({ box: box([0, 0, 1], [30, 2, 1]), used: [12] })
  })

  it('follows relative moves, E included, and returns to the chosen extrusion mode', () => {
    const moves = 'M82\nG1 X10 Y10 Z1\nG91\nG1 X5 E1\nG1 Y-3 E1\nG90\nG1 X11 E1\n'
    expect(follow(moves)).toMatchObject({ box: box([10, 7, 1], [15, 10, 1]), used: [2] })
  })

  it('keeps machine coordinates when G92 renames the position', () => {
    expect(follow('M83\nG1 X50 Y50 Z1\nG92 X0 Y0\nG1 X10 Y0 E1\n').box).toMatchObject(box([50, 50, 1], [60, 50, 1]))
  })

  it('does not guess where the nozzle is after homing', () => {
    expect(follow('M83\nG1 X5 Y5 Z1\nG28 X\nG1 Y9 E1\nG1 X8 E1\n').box).toMatchObject(box([8, 5, 1], [8, 9, 1]))
  })

  it('reads inches', () => {
    expect(follow('G20\nM83\nG1 X1 Y1 Z0.1\nG1 X2 E1\n').box).toMatchObject(box([25.4, 25.4, 2.54], [50.8, 25.4, 2.54]))
  })

  it('counts filament per tool, and priming after a tool change only once', () => {
    const moves = 'M83\nG1 X0 Y0 Z1\nG1 X9 E10\nG1 E-2\nT1\nG1 X5 E4\nG1 E-2\nT0\nG1 E2\nG1 X6 E3\n'
    expect(follow(moves).used).toEqual([13, 4])
  })

  it('tells no lengths when E is a volume', () => {
    expect(follow('M200 D1.75\nM83\nG1 X0 Y0 Z1\nG1 X9 E10\n').used).toEqual([])
  })

  it.each([
    ['a clockwise quarter', 'G2 X10 Y0 I0 J-10 E1', [0, 0, 1], [10, 10, 1]],
    ['the other way round', 'G3 X10 Y0 I0 J-10 E1', [-10, -10, 1], [10, 10, 1]],
    ['a full circle', 'G2 I0 J-10 E1', [-10, -10, 1], [10, 10, 1]],
    ['a quarter by radius', 'G2 X10 Y0 R10 E1', [0, 0, 1], [10, 10, 1]],
    ['the longer way by radius', 'G2 X10 Y0 R-10 E1', [0, 0, 1], [20, 20, 1]],
    ['an arc that only travels', 'G2 X10 Y0 I0 J-10\nG1 X11 E1', [10, 0, 1], [11, 0, 1]],
  ] as const)('widens the box by %s', (_, arc, min, max) => {
    expect(follow(`M83\nG1 X0 Y10 Z1\n${arc}\n`).box).toMatchObject(box([...min], [...max]))
  })
})
