import { describe, expect, it } from 'vitest'

import { newId } from '../../kernel/index.js'
import { isOurRemoteName, nameOf, newRemoteName } from './remote-name.js'

describe('the name of an attempt’s file on the host', () => {
  it('is short, plain, ours, and never the same twice', () => {
    const jobId = newId('printJob')
    const names = Array.from({ length: 500 }, () => newRemoteName(jobId, 10_000))
    expect(new Set(names).size).toBe(500)
    for (const name of names) {
      expect(name).toMatch(/^[a-z0-9.-]{1,60}$/)
      expect(isOurRemoteName(`folder/${name}`)).toBe(true)
    }
  })

  it('ends as the file does', () => {
    const name = newRemoteName(newId('printJob'), 1, '3mf')
    expect(name).toMatch(/^g[a-z0-9]{8}-1-[a-z0-9]{10}\.3mf$/)
    expect(isOurRemoteName(name)).toBe(true)
  })

  it.each(['mine.gcode', 'g1234567-1-abcdefghij.gcode', 'g12345678-1-abcdefghij.gcode.bak', ''])(
    'is not %j',
    (name) => {
      expect(isOurRemoteName(name)).toBe(false)
    },
  )

  it('is told apart from the folder that the host put it in', () => {
    expect(nameOf('a/b/c.gcode')).toBe('c.gcode')
    expect(nameOf('c.gcode')).toBe('c.gcode')
  })
})
