import { describe, expect, it } from 'vitest'

import type { HostReport } from './printer-driver.port.js'
import { composeStatus, LIVE_FOR_MS, obstacles } from './printer-status.js'
import { displayedState } from './printer.state.js'
import type { PrinterLive, PrinterRecord } from './printers.ports.js'

const since = new Date(1_000)
const record = {
  ...{ id: 'prn', enabled: true, maintenance: false, bed: 'clear', bedSince: since, holds: [], activeAttempt: null },
  ...{ stateSince: since, lastSeenAt: null },
} as unknown as PrinterRecord
const report: HostReport = {
  ...{ observed: 'Operational', state: 'idle', printerConnected: true, busyDetail: null, attention: null },
  ...{ heaters: [], job: null },
}
const live: PrinterLive = {
  ...{ printerId: 'prn', boot: 'b', seq: 1, atMs: 10_000, link: 'connected', linkError: null, report, pending: null },
  permissions: { upload: true, delete: true, print: true, detail: null },
  restsUntilMs: null,
}
const attempt = { id: 'att', jobId: 'job', state: 'printing' as const, remoteName: 'g1.gcode', remotePath: null }
const codes = (change: Partial<PrinterRecord>, said: Partial<PrinterLive> | null) =>
  obstacles({ ...record, ...change }, said === null ? null : { ...live, ...said }, 10_000).map(({ code }) => code)

describe('why a printer takes no job', () => {
  it.each([
    ['nothing', {}, {}, []],
    ['a host that still shows its last print', {}, { report: { ...report, state: 'finished' } }, []],
    ['it is switched off', { enabled: false }, null, ['PRINTER_DISABLED']],
    ['maintenance', { maintenance: true }, {}, ['PRINTER_IN_MAINTENANCE']],
    ['a hold', { holds: [{ code: 'SET_BY_PERSON', params: { note: null } }] }, {}, ['PRINTER_HELD']],
    ['a copy in hand, not its bed', { activeAttempt: attempt, bed: 'occupied' }, {}, ['PRINTER_BUSY']],
    ['its bed', { bed: 'occupied' }, {}, ['BED_OCCUPIED']],
    ['nobody drives it', {}, null, ['PRINTER_NOT_SERVED']],
    ['no report yet', {}, { report: null }, ['PRINTER_NOT_REPORTED']],
    ['no connection', {}, { report: null, linkError: { code: 'auth', message: 'x' } }, ['PRINTER_OFFLINE']],
    ['the host lost its printer', {}, { report: { ...report, printerConnected: false } }, ['PRINTER_OFFLINE']],
    ['an error', {}, { report: { ...report, state: 'error' } }, ['PRINTER_NOT_READY']],
    ['a rest', {}, { restsUntilMs: 10_001 }, ['PRINTER_RESTING']],
    ['no rest that is over', {}, { restsUntilMs: 10_000 }, []],
    ['a print', {}, { report: { ...report, state: 'printing' } }, ['PRINTER_NOT_READY']],
    ['manual movement', {}, { report: { ...report, busyDetail: 'moving' } }, ['HOST_NOT_DISPATCHABLE']],
    ['no proof yet of what the key may', {}, { permissions: null }, ['PRINTER_NOT_REPORTED']],
    [
      'a key that may not delete',
      {},
      { permissions: { upload: true, delete: false, print: true, detail: 'no' } },
      ['HOST_PERMISSION_MISSING'],
    ],
  ] as [string, Partial<PrinterRecord>, Partial<PrinterLive> | null, string[]][])(
    'is %s',
    (_name, change, said, expected) => {
      expect(codes(change, said)).toEqual(expected)
    },
  )
})

describe('the state that people see', () => {
  const shown = (change: Partial<Parameters<typeof displayedState>[0]>) =>
    displayedState({
      host: 'idle',
      bed: 'clear',
      maintenance: false,
      inHand: false,
      pending: null,
      nowMs: 0,
      ...change,
    })

  it.each([
    [{ host: null }, 'offline'],
    [{}, 'idle'],
    [{ bed: 'occupied' }, 'finished'],
    [{ host: 'finished' }, 'idle'],
    [{ maintenance: true }, 'maintenance'],
    [{ maintenance: true, host: 'printing' }, 'printing'],
    [{ host: 'printing', pending: { kind: 'pause', untilMs: 1 } }, 'pausing'],
    [{ host: 'paused', pending: { kind: 'pause', untilMs: 1 } }, 'paused'],
    [{ host: 'paused', pending: { kind: 'cancel', untilMs: 1 } }, 'cancelling'],
    [{ host: 'printing', pending: { kind: 'cancel', untilMs: 0 } }, 'printing'],
    [{ host: 'idle', pending: { kind: 'cancel', untilMs: 1 } }, 'idle'],
  ] as const)('for %o is %s', (change, expected) => {
    expect(shown(change)).toBe(expected)
  })

  it('is offline as soon as the last word is too old', () => {
    expect(composeStatus(record, live, live.atMs + LIVE_FOR_MS)).toMatchObject({ state: 'idle', dispatchable: true })
    expect(composeStatus(record, live, live.atMs + LIVE_FOR_MS + 1)).toMatchObject({
      ...{ state: 'offline', dispatchable: false, waitingFor: [{ code: 'PRINTER_NOT_SERVED' }] },
    })
  })

  it('names a print as ours by its name, in whatever folder, and every other as foreign', () => {
    const job = {
      ...{ hostJobRef: null, progress: 0.5, elapsedSeconds: 1, remainingSeconds: 1, layer: 1, layerCount: 2 },
      filamentUsedMm: null,
    }
    const status = (remotePath: string) =>
      composeStatus(
        { ...record, activeAttempt: attempt },
        { ...live, report: { ...report, state: 'printing', job: { ...job, remotePath } } },
        live.atMs,
      ).print
    expect(status('sub/g1.gcode')).toMatchObject({ foreign: false, attemptId: 'att', jobId: 'job', progress: 0.5 })
    expect(status('mine.gcode')).toMatchObject({ foreign: true, attemptId: null })
  })
})
