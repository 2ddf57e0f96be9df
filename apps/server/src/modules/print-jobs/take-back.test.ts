import { describe, expect, it } from 'vitest'

import { systemClock } from '../../kernel/index.js'
import {
  DriverError,
  type DriverConnection,
  type HostReport,
  type PrintEvidence,
  type RevokeAnswer,
} from '../printers/printer-driver.port.js'
import { PrinterSession } from '../printers/printer-session.js'
import { takeBack } from './take-back.js'

const NAME = 'g12345678-1-abcdefghij.gcode'
const none: PrintEvidence = { kind: 'none' }
const ended: PrintEvidence = {
  ...{ kind: 'ended', outcome: 'completed', hostJobRef: null, printSeconds: 9, filamentUsedMm: null },
}
const idle: HostReport = {
  ...{ observed: 'Operational', state: 'idle', printerConnected: true, busyDetail: null, attention: null },
  ...{ heaters: [], job: null },
}
const printing = (remotePath: string): HostReport => ({
  ...idle,
  state: 'printing',
  job: {
    ...{ remotePath, hostJobRef: 'ref', progress: 0, elapsedSeconds: 0, remainingSeconds: null },
    ...{ layer: null, layerCount: null, filamentUsedMm: null },
  },
})

interface Host {
  evidence: (PrintEvidence | Error)[]
  revoke?: RevokeAnswer
  reports?: HostReport[]
  /** Ends the session during the delete. */
  hangUp?: boolean
}

/** A host that gives these answers in turn; the last evidence is given again. */
const ask = async ({ evidence, revoke = 'deleted', reports = [], hangUp = false }: Host) => {
  const calls: string[] = []
  const over = new AbortController()
  const next = <T>(list: T[], otherwise: T): T => (list.length > 1 ? list.shift()! : (list[0] ?? otherwise))
  const connection = {
    evidence: () => {
      calls.push('evidence')
      const answer = next(evidence, none)
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)
    },
    revoke: (path: string) => {
      calls.push(`delete ${path}`)
      if (hangUp) over.abort()
      return Promise.resolve(revoke)
    },
    readReport: () => {
      calls.push('report')
      return Promise.resolve(next(reports, idle))
    },
  } as unknown as DriverConnection
  const lease = { printerId: 'prn', owner: 'ins', epoch: 1 }
  const session = new PrinterSession(lease, connection, over.signal, idle, systemClock)
  const attempt = { remoteName: NAME, remotePath: `folder/${NAME}` } as Parameters<typeof takeBack>[0]
  return { taken: await takeBack(attempt, session, { askMs: 1_000, rereadMs: 1 }), calls }
}

describe('taking back an attempt whose start was not confirmed', () => {
  it('is certain only after the file is gone and the host was read twice more', async () => {
    const { taken, calls } = await ask({ evidence: [none] })
    expect(taken).toEqual({ kind: 'never_started' })
    expect(calls).toEqual(['evidence', `delete folder/${NAME}`, 'report', 'evidence', 'report', 'evidence'])
  })

  it('is as certain when the host never had the file', async () => {
    expect((await ask({ evidence: [none], revoke: 'absent' })).taken.kind).toBe('never_started')
  })

  it('finds that it prints, and deletes nothing', async () => {
    const { taken, calls } = await ask({ evidence: [{ kind: 'active', hostJobRef: '7' }] })
    expect(taken).toEqual({ kind: 'active', hostJobRef: '7' })
    expect(calls).toEqual(['evidence'])
  })

  it('finds that it has printed', async () => {
    expect((await ask({ evidence: [ended] })).taken).toMatchObject({ kind: 'ended', end: { outcome: 'completed' } })
  })

  it('knows nothing of a file that was touched, though no record says how', async () => {
    const { taken, calls } = await ask({ evidence: [{ kind: 'touched' }] })
    expect(taken.kind).toBe('unknown')
    expect(calls).toEqual(['evidence'])
  })

  it('knows nothing when the answer to the delete proves nothing', async () => {
    expect((await ask({ evidence: [none], revoke: 'unknown' })).taken.kind).toBe('unknown')
  })

  it('leaves the question to whoever comes next when its own session ended over the delete', async () => {
    const cut = ask({ evidence: [none], revoke: 'unknown', hangUp: true })
    await expect(cut).rejects.toMatchObject({ name: 'DriverError', code: 'aborted' })
  })

  it('asks again when the file is in use, and believes only what is clear', async () => {
    const active: PrintEvidence = { kind: 'active', hostJobRef: null }
    expect((await ask({ evidence: [none, active], revoke: 'in_use' })).taken.kind).toBe('active')
    expect((await ask({ evidence: [none, none], revoke: 'in_use' })).taken.kind).toBe('unknown')
  })

  it('finds the print that began while its file was deleted', async () => {
    const { taken } = await ask({ evidence: [none], reports: [idle, printing(NAME)] })
    expect(taken).toEqual({ kind: 'active', hostJobRef: 'ref' })
    expect((await ask({ evidence: [none, none, ended] })).taken.kind).toBe('ended')
  })

  it('is not misled by another print', async () => {
    expect((await ask({ evidence: [none], reports: [printing('mine.gcode')] })).taken.kind).toBe('never_started')
  })

  it('knows nothing when the host does not answer', async () => {
    const silence = new DriverError('timeout', 'no answer')
    expect((await ask({ evidence: [silence] })).taken.kind).toBe('unknown')
    expect((await ask({ evidence: [none, silence] })).taken.kind).toBe('unknown')
  })

  it('does not take a fault of our own for an answer', async () => {
    await expect(ask({ evidence: [new TypeError('a bug')] })).rejects.toThrow('a bug')
  })
})
