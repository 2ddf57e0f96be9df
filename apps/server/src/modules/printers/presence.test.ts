import { expect, it } from 'vitest'

import { onPrimary } from '../../kernel/index.js'
import { LIVE_FOR_MS } from './printer-status.js'
import type { PrinterLive } from './printers.ports.js'
import { printersPresent } from './presence.js'

const NOW_MS = 1_000_000
const report = { state: 'idle', printerConnected: true } as PrinterLive['report']
const word = (printerId: string, more: Partial<PrinterLive> = {}): PrinterLive => ({
  ...{ printerId, boot: 'b', seq: 1, atMs: NOW_MS, link: 'connected', linkError: null },
  ...{ report, permissions: null, pending: null, restsUntilMs: null },
  ...more,
})
const WORDS = [
  word('well'),
  word('host away', { link: 'down', report: null }),
  word('unplugged', { report: { ...report, printerConnected: false } as PrinterLive['report'] }),
  word('silent', { atMs: NOW_MS - LIVE_FOR_MS - 1 }),
  word('removed'),
]
const board = {
  clock: { now: () => NOW_MS },
  get: (id: string) => WORDS.find(({ printerId }) => printerId === id) ?? null,
  printerIds: () => WORDS.map(({ printerId }) => printerId),
}
const present = (enabledIds: () => Promise<string[]>) =>
  printersPresent({ reads: onPrimary({ printers: { enabledIds } }), board })

it('counts those that are enabled, by what was last said of them', async () => {
  const enabled = ['well', 'host away', 'unplugged', 'silent', 'never heard of']
  expect(await present(() => Promise.resolve(enabled))).toEqual({
    ...{ enabled: 5, connected: 1, disconnected: 2, stale: 2 },
  })
})

it('counts those that were heard of while the database is away', async () => {
  expect(await present(() => Promise.reject(new Error('gone')))).toEqual({
    ...{ enabled: null, connected: 2, disconnected: 2, stale: 1 },
  })
})
