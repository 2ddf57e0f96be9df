import { describe, expect, it } from 'vitest'

import { systemClock } from '../../kernel/index.js'
import { LeaseTerm, momentOf } from './lease-term.js'
import type { DriverConnection, HostReport } from './printer-driver.port.js'
import { PrinterSession } from './printer-session.js'

const open = () => {
  const now = { monotonicMs: 0 }
  const clock = { ...systemClock, monotonicMs: () => now.monotonicMs }
  const term = new LeaseTerm(momentOf(clock), 9_000, clock)
  const lease = { printerId: 'prn', owner: 'ins', epoch: 1 }
  const session = new PrinterSession(lease, {} as DriverConnection, term.signal, {} as HostReport, clock, term)
  return { now, term, session }
}

describe('a session in a process that was frozen past its lease', () => {
  it('gives out no signal under which the host could still be called', () => {
    const { now, session } = open()
    expect(session.deadline(1_000).aborted).toBe(false)
    now.monotonicMs += 9_000
    expect(session.signal.aborted).toBe(false)
    expect(session.deadline(1_000).aborted).toBe(true)
    expect(session.signal.aborted).toBe(true)
  })

  it('gives up what is under way before any timer has said so', () => {
    const { now, session } = open()
    const call = session.deadline(1_000)
    now.monotonicMs += 1_000
    expect(call.aborted).toBe(true)
    expect(call.reason).toMatchObject({ code: 'timeout' })
    expect(session.signal.aborted).toBe(false)
  })

  it('waits for nothing any more', async () => {
    const { now, session } = open()
    now.monotonicMs += 9_000
    await expect(session.waitFor(() => null, 60_000)).rejects.toMatchObject({ code: 'unreachable' })
  })
})
