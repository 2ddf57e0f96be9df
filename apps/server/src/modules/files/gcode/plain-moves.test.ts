import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { GcodeScanner } from './gcode-scanner.js'

const scan = (gcode: string) => {
  const scanner = new GcodeScanner()
  scanner.push(Buffer.from(gcode, 'latin1'))
  return scanner.finish()
}

const fixture = (name: string) => readFileSync(join(import.meta.dirname, '../fixtures', `${name}.gcode`), 'latin1')

/** Lower case means the same, but is no plain move, so the general way reads it. */
const notPlain = (gcode: string) => gcode.replace(/^G([01]) /gm, 'g$1 ')

const randomLines = (seed: number): string => {
  let state = seed
  const below = (limit: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % limit
  }
  const pick = (choices: string[]) => choices[below(choices.length)] ?? ''
  const number = () => pick(['', '-']) + pick(['0', '7', '12', '345', '9999999', '']) + pick(['', '.', '.5', '.06433'])
  const word = () => pick(['X', 'Y', 'Z', 'E', 'E', 'F', 'x', 'S', '(a)', '*7']) + number()
  const move = () => `G${below(3)} ${Array.from({ length: below(5) }, word).join(pick([' ', '  ', '']))}`
  const line = () => pick([move(), move(), move(), move(), 'G92 E0', 'M82', 'M83', 'G90', 'G91', 'T1', 'T0', 'G28 X'])
  return Array.from({ length: 400 }, () => line() + pick(['', '', '\r', ' ; comment', ';'])).join('\n')
}

describe('PlainMoves', () => {
  it.each(['demo-token', 'cura-cube', 'prusa-two-tools', 'orca-three-filaments', 'superslicer-asa'])(
    'finds in %s what the general way finds',
    (name) => {
      const gcode = fixture(name)
      expect(notPlain(gcode)).not.toBe(gcode)
      expect(scan(gcode)).toEqual(scan(notPlain(gcode)))
    },
  )

  it('finds what the general way finds in lines of every kind', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const gcode = randomLines(seed)
      expect(scan(gcode), `seed ${seed}`).toEqual(scan(notPlain(gcode)))
    }
  })
})
