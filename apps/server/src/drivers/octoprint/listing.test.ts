import { describe, expect, it } from 'vitest'

import { lastPrintsOf } from './listing.js'

const file = (path: string, last?: { date?: number; success: boolean }) => ({ path, prints: last && { last } })

describe('what the files of an OctoPrint tell of prints', () => {
  it('is the last one of each, newest first and no more than wanted, folders included', () => {
    const listing = [
      file('never.gcode'),
      file('undated.gcode', { success: true }),
      file('old.gcode', { date: 10, success: true }),
      { path: 'sub', type: 'folder', children: [file('sub/new.gcode', { date: 20.5, success: false })] },
    ]
    expect(lastPrintsOf(listing, 10).map(({ remotePath }) => remotePath)).toEqual([
      'sub/new.gcode',
      'old.gcode',
      'undated.gcode',
    ])
    expect(lastPrintsOf(listing, 1)).toEqual([
      {
        ...{ remotePath: 'sub/new.gcode', hostJobRef: null, outcome: 'failed' },
        startedAt: null,
        endedAt: new Date(20_500),
      },
    ])
  })
})
