import { expect, test } from 'vitest'
import { keyValues, parseGcode } from './gcode-line.js'
import { memorySource } from './gcode-source.js'
import { LineReader } from './line-reader.js'
import { Motion } from './motion.js'

test.each([
  ['G1 X10.5 Y-3 F1200 ; move', { letter: 'G', code: 1 }, { X: 10.5, Y: -3, F: 1200 }],
  ['g1x10y20', { letter: 'G', code: 1 }, { X: 10, Y: 20 }],
  ['N12 M104 S200*83', { letter: 'M', code: 104 }, { S: 200 }],
  ['G28 X', { letter: 'G', code: 28 }, { X: 0 }],
  ['M862.3 P "MK3S"', { letter: 'M', code: 862.3 }, { P: 0, M: 0, K: 3, S: 0 }],
])('%s is parsed', (line, command, params) => {
  const parsed = parseGcode(line)!
  expect(parsed).toMatchObject(command)
  expect(Object.fromEntries(parsed.params)).toEqual(params)
})

test('comments and blank lines are no commands; text and Klipper commands keep their words', () => {
  expect(parseGcode('; G1 X1')).toBeNull()
  expect(parseGcode('   ')).toBeNull()
  expect(parseGcode('M117 Layer 3')).toMatchObject({ name: 'M117', rest: 'Layer 3' })
  expect(parseGcode('SET_HEATER_TEMPERATURE HEATER=extruder TARGET=210')).toMatchObject({ letter: '' })
  expect([...keyValues('HEATER="heater_bed" TARGET=60')]).toEqual([
    ['HEATER', 'heater_bed'],
    ['TARGET', '60'],
  ])
})

test('lines are read over the edges of the buffer, with positions in bytes, and over-long lines are cut', () => {
  const lines = Array.from({ length: 3000 }, (_, index) => `G1 X${index} ; ä`)
  lines.splice(1500, 0, `;${'x'.repeat(100_000)}`)
  const content = Buffer.from(lines.join('\n'))
  const reader = new LineReader(memorySource(content))
  const read: string[] = []
  for (let line = reader.next(); line !== null; line = reader.next()) read.push(line)
  expect(read.length).toBe(lines.length)
  expect(read[1499]).toMatch(/^G1 X1499 /)
  expect(read[1500]!.length).toBeLessThanOrEqual(16 * 1024)
  expect(read.at(-1)).toMatch(/^G1 X2999 /)
  expect(reader.position).toBe(content.byteLength)
})

test('arcs take the time of their length, by centre and by radius', () => {
  const quarter = new Motion()
  const byCentre = quarter.arc(parseGcode('G2 X10 Y10 I10 J0 F600')!, true)
  expect(byCentre.durationMs / 1000).toBeCloseTo((Math.PI * 10) / 2 / 10, 1)
  const byRadius = new Motion().arc(parseGcode('G2 X10 Y10 R10 F600')!, true)
  expect(byRadius.durationMs).toBeCloseTo(byCentre.durationMs, 0)
  const circle = new Motion().arc(parseGcode('G3 I10 J0 F600')!, false)
  expect(circle.durationMs / 1000).toBeCloseTo(2 * Math.PI, 1)
})

test('relative and absolute extrusion, inches and G92 are kept apart', () => {
  const motion = new Motion()
  motion.setAbsoluteExtrusion(false)
  motion.line(parseGcode('G1 X10 E2')!)
  motion.line(parseGcode('G1 X20 E2')!)
  expect(motion.position).toMatchObject({ x: 20, e: 4 })
  motion.setPosition(parseGcode('G92 E0')!)
  motion.setInches(true)
  motion.line(parseGcode('G1 X1 E1')!)
  expect(motion.position.x).toBeCloseTo(25.4)
  expect(motion.position.e).toBeCloseTo(25.4)
})
