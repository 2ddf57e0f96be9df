import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { DriverError } from '../../modules/printers/printer-driver.port.js'
import { HOSTILE, hostileJson, mutatedJson, unfitTexts } from '../../testing/hostile-input.js'
import { errorOf, uploadErrorOf } from './answers.js'
import { productOf } from './identity.js'
import { flattenListing, lastPrintsOf } from './listing.js'
import { OctoPrintTracker } from './tracker.js'
import {
  fileMessage,
  frameMessage,
  jobMessage,
  listingMessage,
  loginMessage,
  printerMessage,
  uploadMessage,
} from './wire.js'

const FLAGS = { operational: true, ready: false, printing: true, paused: false, error: false, closedOrError: false }
const STATUS = {
  state: { text: 'Printing', error: '', flags: FLAGS },
  job: { file: { name: 'a.gcode', path: 'a.gcode', origin: 'local', size: 10 } },
  progress: { completion: 12.5, printTime: 60, printTimeLeft: 400, filepos: 5 },
  temps: [{ time: 1, tool0: { actual: 210.1, target: 210 }, bed: { actual: 60, target: 60 } }],
}
const EVENT = {
  type: 'PrintFailed',
  payload: { path: 'a.gcode', origin: 'local', time: 10, reason: 'error', error: 'x' },
}
const FRAMES = [{ current: STATUS }, { history: STATUS }, { event: EVENT }, { reauthRequired: { reason: 'logout' } }]
const FILE = {
  path: 'a.gcode',
  type: 'machinecode',
  size: 10,
  date: 1_700_000_000,
  prints: { last: { date: 1_700_000_000, printTime: 5, success: true } },
}
const LISTING = { files: [FILE, { path: 'folder', type: 'folder', children: [FILE] }], free: 1 }

const frames = fc.oneof(hostileJson, mutatedJson(...FRAMES))
/** Of a text that is cut, with what our own words put before it. */
const MAX_CHARACTERS = 1_010

const isShare = (progress: number | null | undefined) => progress == null || (progress >= 0 && progress <= 1)

describe('what an OctoPrint sends', () => {
  it('becomes a report within its bounds, whatever a frame says', () => {
    const check = fc.property(fc.array(frames, { maxLength: 8 }), (sent) => {
      const tracker = new OctoPrintTracker()
      for (const one of sent) {
        const frame = frameMessage.safeParse(one)
        const status = frame.data?.history ?? frame.data?.current
        const report = status === undefined ? null : tracker.push(status)
        expect(
          unfitTexts(
            [report, frame.data?.event === undefined ? null : tracker.event(frame.data.event)],
            MAX_CHARACTERS,
          ),
        ).toEqual([])
        expect(isShare(report?.job?.progress)).toBe(true)
      }
    })
    fc.assert(check, HOSTILE)
  })

  it('is read as it is when it is real', () => {
    const [{ current }] = FRAMES as [{ current: unknown }]
    expect(frameMessage.parse({ current }).current).toMatchObject({ progress: { completion: 12.5 } })
    const tracker = new OctoPrintTracker()
    expect(tracker.push(frameMessage.parse({ current }).current!)).toMatchObject({
      state: 'printing',
      job: { remotePath: 'a.gcode', progress: 0.125, elapsedSeconds: 60 },
    })
  })

  it('never is an answer that throws', () => {
    const answers = fc.oneof(hostileJson, mutatedJson(FILE, LISTING, STATUS, { files: { local: { path: 'a' } } }))
    const check = fc.property(answers, (answer) => {
      for (const message of [fileMessage, jobMessage, loginMessage, printerMessage, uploadMessage])
        expect(
          unfitTexts(
            Object.values(message.safeParse(answer).data ?? {}).filter((member) => typeof member === 'string'),
            MAX_CHARACTERS,
          ),
        ).toEqual([])
    })
    fc.assert(check, HOSTILE)
  })

  it('is a list of at most so many files with dates that are some, whatever a listing says', () => {
    const check = fc.property(fc.oneof(hostileJson, mutatedJson(LISTING)), (listing) => {
      const entries = listingMessage.safeParse(listing).data?.files ?? []
      const files = flattenListing(entries, 5)
      expect(files.length).toBeLessThanOrEqual(5)
      for (const date of [
        ...files.map(({ modifiedAt }) => modifiedAt),
        ...lastPrintsOf(entries, 5).map(({ endedAt }) => endedAt),
      ])
        expect(date === null || !Number.isNaN(date.getTime())).toBe(true)
    })
    fc.assert(check, HOSTILE)
  })

  it('is refused as a driver’s error alone, whatever its status and body', () => {
    const answer = fc.record({
      status: fc.integer({ min: 100, max: 999 }),
      json: fc.oneof(hostileJson, mutatedJson({ error: 'no' }, { text: 'OctoPrint 1.11.0' })),
    })
    const check = fc.property(answer, fc.option(fc.string()), ({ status, json }, authenticate) => {
      expect(
        unfitTexts([errorOf({ status, json }).message, uploadErrorOf({ status, json }).message], MAX_CHARACTERS),
      ).toEqual([])
      try {
        expect(productOf({ status, json, authenticate })).toMatch(/^OctoPrint /)
      } catch (error) {
        expect(error).toBeInstanceOf(DriverError)
      }
    })
    fc.assert(check, HOSTILE)
  })
})
