import { describe, expect, it } from 'vitest'

import { systemClock } from '../../kernel/index.js'
import { recordingLogger } from '../../testing/recording-logger.js'
import type { DriverCapability, DriverConnection, HostReport } from '../printers/printer-driver.port.js'
import { PrinterSession } from '../printers/printer-session.js'
import { AttemptConduct, CONDUCT_TIMINGS } from './attempt-conduct.js'
import type { AttemptLedger } from './attempt-ledger.js'
import type { AttemptRecord } from './print-jobs.ports.js'
import { UPLOAD_LIMITS, UploadSlots } from './upload-slots.js'

const NAME = 'g12345678-1-abcdefghij.gcode'
const idle: HostReport = {
  ...{ observed: 'Operational', state: 'idle', printerConnected: true, busyDetail: null, attention: null },
  ...{ heaters: [], job: null },
}

/** Goes on with an attempt whose start another session sent, on a host that shows no trace of it. @returns what is written */
const takeUp = async (attempt: Partial<AttemptRecord>, capabilities: DriverCapability[]): Promise<string[]> => {
  const written: string[] = []
  const write = (what: string) => () => {
    written.push(what)
    return Promise.resolve()
  }
  const moves = { markUnknown: write('unknown'), revoke: write('revoked'), markFileRemoved: write('file removed') }
  const ledger = { ...moves, under: () => moves } as unknown as AttemptLedger
  const connection = {
    capabilities: new Set(capabilities),
    evidence: () => Promise.resolve({ kind: 'none' }),
    revoke: () => Promise.resolve('deleted'),
    readReport: () => Promise.resolve(idle),
  } as unknown as DriverConnection
  const lease = { printerId: 'prn', owner: 'ins', epoch: 2 }
  const session = new PrinterSession(lease, connection, new AbortController().signal, idle, systemClock)
  const timings = { ...CONDUCT_TIMINGS, rereadMs: 1 }
  const conduct = new AttemptConduct({
    ...{ ledger, timings, log: recordingLogger() },
    openFile: () => Promise.resolve(null),
    uploads: new UploadSlots(systemClock, UPLOAD_LIMITS),
  })
  await conduct.carryOut({
    attempt: { id: 'att', remoteName: NAME, remotePath: NAME, bedBefore: 'clear', ...attempt } as AttemptRecord,
    session,
    cancelled: new AbortController().signal,
  })
  return written
}

describe('an attempt that another session left behind', () => {
  const sent = { state: 'starting' as const, startSentAt: new Date() }

  it('is unknown when its start was sent to a host that forgets a print with its restart', async () => {
    expect(await takeUp(sent, [])).toEqual(['unknown'])
  })

  it('is given back when the host would know of its print from its history', async () => {
    expect(await takeUp(sent, ['history'])).toEqual(['revoked', 'file removed'])
  })

  it('is given back on any host when its start was never sent', async () => {
    expect(await takeUp({ state: 'uploading', startSentAt: null }, [])).toEqual(['revoked', 'file removed'])
  })
})

it('a claimed copy is given back, and nothing is sent, when its bed turned out to be occupied', async () => {
  const claimed = { state: 'claimed' as const, leaseEpoch: 2, bedBefore: 'occupied' as const, startSentAt: null }
  expect(await takeUp(claimed, [])).toEqual(['revoked', 'file removed'])
})
