import { describe, expect, it } from 'vitest'

import { fileMessage, frameMessage, jobMessage, loginMessage, printerMessage, versionMessage } from './wire.js'

describe("the reading of OctoPrint's messages", () => {
  it('takes missing flags for false and drops what it does not know', () => {
    const parsed = printerMessage.parse({
      state: { text: 'Operational', flags: { operational: true, sdReady: true, printing: 'yes' } },
      temperature: { tool0: { actual: 21.3, target: 0, offset: 0 }, time: 17, bed: null, odd: 'hot' },
      sd: {},
    })
    expect(parsed.state.flags).toMatchObject({ operational: true, printing: false, cancelling: false })
    expect(parsed.temperature).toEqual({ tool0: { actual: 21.3, target: 0 } })
  })

  it('takes a job of an idle host, of an old one and of a broken one', () => {
    const nothing = { job: { file: { path: null, origin: null } }, state: '', error: '' }
    expect(jobMessage.parse({})).toMatchObject(nothing)
    expect(jobMessage.parse({ job: null, progress: null })).toMatchObject(nothing)
    expect(jobMessage.parse({ job: { file: {} }, progress: { completion: 'half' } })).toMatchObject(nothing)
  })

  it.each([null, 17, 'text', [], undefined])('refuses a printer or a frame that is %j', (value) => {
    expect(printerMessage.safeParse(value).success).toBe(false)
    expect(frameMessage.safeParse(value).success).toBe(false)
  })

  it('reads kinds of frames that it does not know, or that are malformed, as nothing', () => {
    for (const frame of [
      { plugin: {} },
      { connected: {} },
      { current: 17 },
      { event: {} },
      { history: { state: 1 } },
    ]) {
      expect(Object.values(frameMessage.parse(frame)).filter(Boolean)).toEqual([])
    }
  })

  it('cuts texts and bounds the number of heaters', () => {
    expect(versionMessage.parse({ text: 'x'.repeat(100_000) }).text).toHaveLength(1000)
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`tool${i}`, { actual: 1, target: 1 }]))
    const { temperature } = printerMessage.parse({ state: { flags: {} }, temperature: many })
    expect(Object.keys(temperature)).toHaveLength(32)
  })

  it('takes a file that was never printed, and one without an outcome', () => {
    expect(fileMessage.parse({ path: 'a.gcode' })).toMatchObject({ path: 'a.gcode', size: null })
    expect(fileMessage.parse({ path: 'a.gcode', prints: { last: {} } }).prints?.last).toBeUndefined()
    expect(fileMessage.parse({ path: 'a.gcode', prints: { last: { success: true } } }).prints?.last?.date).toBeNull()
  })

  it('keeps nothing of a login but who it is', () => {
    const parsed = loginMessage.parse({ name: 'a', session: 's', apikey: 'SECRET', groups: ['admins'] })
    expect(JSON.stringify(parsed)).not.toContain('SECRET')
  })
})
