import { setTimeout as sleep } from 'node:timers/promises'

import { describe, expect, it } from 'vitest'

import type { PrintOutcome } from '../../modules/printers/printer-driver.port.js'
import { type Bench, isActive, noAbort, type Session } from './bench.js'
import { movesSample } from './harness.js'

/** Long enough for a host to tell an end twice, if it does. */
const SECOND_TELLING_MS = 1000

export const describePrinting = (bench: Bench): void => {
  const expectOneEnd = async ({ told }: Session, remotePath: string, outcome: PrintOutcome, waitMs: number) => {
    await told.event('printEnded', (event) => event.remotePath === remotePath, waitMs)
    await told.report(
      (report) => !isActive(report),
      waitMs,
      told.events.findLastIndex((e) => e.type === 'printEnded') - 1,
    )
    await sleep(SECOND_TELLING_MS)
    expect(told.all('printEnded')).toEqual([expect.objectContaining({ remotePath, outcome })])
  }

  const expectOutcome = async ({ connection }: Session, remotePath: string, outcomes: PrintOutcome[]) => {
    const evidence = await connection.evidence(remotePath, noAbort())
    expect(evidence.kind).toBe('ended')
    if (evidence.kind === 'ended') expect(outcomes).toContain(evidence.outcome)
  }

  describe('printing', () => {
    it('starts a file and reports progress that only grows', async () => {
      const session = await bench.connect()
      const remotePath = await bench.print(session, bench.host.samples.long)
      const { told } = session
      const first = await told.report(({ job }) => (job?.progress ?? 0) > 0, bench.pace.reactMs)
      await told.report(({ job }) => (job?.progress ?? 0) > (first.job?.progress ?? 1), bench.pace.reactMs)
      const progress = told.reports.filter(isActive).map(({ job }) => job?.progress ?? 0)
      expect(progress).toEqual([...progress].sort((a, b) => a - b))
      expect(Math.max(...progress)).toBeLessThanOrEqual(1)
      expect(told.all('printStarted')).toEqual([expect.objectContaining({ remotePath })])
      expect(await session.connection.evidence(remotePath, noAbort())).toMatchObject({ kind: 'active' })
      expect(await session.connection.readReport(noAbort())).toMatchObject({ state: 'printing', job: { remotePath } })
    })

    it('takes no second print, deletes no running file and pauses no other one', async () => {
      const session = await bench.connect()
      const { connection } = session
      const other = await bench.upload(session, movesSample(3))
      const remotePath = await bench.print(session, bench.host.samples.long)
      const second = await connection.start(other, noAbort())
      expect(second).toMatchObject({ kind: 'rejected', error: { code: 'busy' } })
      expect(await connection.revoke(remotePath, noAbort())).toBe('in_use')
      await expect(connection.pause(other, noAbort())).rejects.toMatchObject({ code: 'busy' })
      await expect(connection.cancel(other, noAbort())).rejects.toMatchObject({ code: 'busy' })
      expect(await connection.readReport(noAbort())).toMatchObject({ state: 'printing', job: { remotePath } })
    })

    it('pauses and resumes', async () => {
      const session = await bench.connect()
      const { connection, told } = session
      const remotePath = await bench.print(session, bench.host.samples.long)
      await connection.pause(remotePath, noAbort())
      await told.report(({ state }) => state === 'paused', bench.pace.reactMs)
      expect(await connection.evidence(remotePath, noAbort())).toMatchObject({ kind: 'active' })
      const since = told.events.length
      await connection.resume(remotePath, noAbort())
      await told.report(({ state }) => state === 'printing', bench.pace.reactMs, since)
      expect(told.all('printStarted')).toHaveLength(1)
      expect(told.all('printEnded')).toEqual([])
    })

    it('refuses to pause, resume or cancel what does not run', async () => {
      const { connection } = await bench.connect()
      await expect(connection.pause(null, noAbort())).rejects.toMatchObject({ name: 'DriverError' })
      await expect(connection.resume(null, noAbort())).rejects.toMatchObject({ name: 'DriverError' })
      await expect(connection.cancel(null, noAbort())).rejects.toMatchObject({ name: 'DriverError' })
    })

    it('cancels, and tells the end once', async () => {
      const session = await bench.connect()
      const remotePath = await bench.print(session, bench.host.samples.long)
      await session.connection.cancel(remotePath, noAbort())
      await expectOneEnd(session, remotePath, 'cancelled', bench.pace.reactMs)
      await expectOutcome(session, remotePath, ['cancelled'])
      const later = await bench.connect()
      await expectOutcome(later, remotePath, bench.skips('rememberCancels') ? ['cancelled', 'failed'] : ['cancelled'])
    })

    it('cancels a paused print', async () => {
      const session = await bench.connect()
      const remotePath = await bench.print(session, bench.host.samples.long)
      await session.connection.pause(remotePath, noAbort())
      await session.told.report(({ state }) => state === 'paused', bench.pace.reactMs)
      await session.connection.cancel(remotePath, noAbort())
      await expectOneEnd(session, remotePath, 'cancelled', bench.pace.reactMs)
    })

    it.skipIf(bench.skips('heatSlowly'))('cancels while heating', async () => {
      const session = await bench.connect()
      const remotePath = await bench.print(session, bench.host.samples.heating)
      const { tool } = bench.host.heaters
      await session.told.report(
        ({ heaters }) => heaters.some(({ heater, targetCelsius }) => heater === tool && (targetCelsius ?? 0) > 0),
        bench.pace.reactMs,
      )
      await session.connection.cancel(remotePath, noAbort())
      await expectOneEnd(session, remotePath, 'cancelled', bench.pace.finishMs)
    })

    it.skipIf(bench.skips('finishQuickly'))('finishes, tells the end once and finds it again later', async () => {
      const session = await bench.connect()
      const remotePath = await bench.print(session, bench.host.samples.quick)
      await expectOneEnd(session, remotePath, 'completed', bench.pace.finishMs)
      await expectOutcome(session, remotePath, ['completed'])
      const later = await bench.connect()
      await expectOutcome(later, remotePath, ['completed'])
      expect(['idle', 'finished']).toContain(later.told.reports[0]?.state)
      expect(later.told.all('printEnded')).toEqual([])
    })

    it.skipIf(bench.skips('finishQuickly'))('can print the next file after one has ended', async () => {
      const session = await bench.connect()
      const first = await bench.print(session, bench.host.samples.quick)
      await session.told.event('printEnded', (event) => event.remotePath === first, bench.pace.finishMs)
      await session.told.report(({ state }) => state === 'idle' || state === 'finished', bench.pace.reactMs, 1)
      await bench.host.clearBed?.()
      const second = await bench.print(session, bench.host.samples.long)
      const report = await session.told.report(({ job }) => job?.remotePath === second, bench.pace.reactMs)
      expect(report.job?.progress ?? 0).toBeLessThan(0.9)
    })
  })

  describe('the machine', () => {
    it('shows the temperatures that it was told to reach', async () => {
      const { connection, told } = await bench.connect()
      const { tool } = bench.host.heaters
      const showing = (celsius: number) =>
        told.report(
          ({ heaters }) => heaters.some(({ heater, targetCelsius }) => heater === tool && targetCelsius === celsius),
          bench.pace.reactMs,
          told.events.length,
        )
      await connection.setTemperature(tool, 60, noAbort())
      await showing(60)
      await connection.setTemperature(tool, 0, noAbort())
      await showing(0)
    })

    it('refuses a temperature or a heater that makes no sense', async () => {
      const { connection } = await bench.connect()
      const { tool } = bench.host.heaters
      await expect(connection.setTemperature(tool, 5000, noAbort())).rejects.toMatchObject({ code: 'rejected' })
      await expect(connection.setTemperature(tool, Number.NaN, noAbort())).rejects.toMatchObject({ code: 'rejected' })
      await expect(connection.setTemperature('toaster', 50, noAbort())).rejects.toMatchObject({ name: 'DriverError' })
    })

    it.skipIf(bench.skips('recover'))('stops at once in an emergency and says why it stands still', async () => {
      const session = await bench.connect()
      const { connection, told } = session
      expect(connection.capabilities).toContain('emergencyStop')
      await bench.print(session, bench.host.samples.long)
      const since = told.events.length
      await connection.emergencyStop(noAbort())
      const report = await told.report(({ state }) => state === 'error', bench.pace.reactMs, since)
      expect(report.attention).toMatchObject({ severity: 'error', text: expect.stringMatching(/\w/) as string })
      await bench.host.recover?.()
      const later = await bench.connect()
      expect(['idle', 'finished']).toContain(later.told.reports[0]?.state)
    })

    it.skipIf(bench.skips('recover'))('stops at once for who is not connected', async () => {
      const session = await bench.connect()
      await bench.print(session, bench.host.samples.long)
      const since = session.told.events.length
      await bench.host.driver.emergencyStop(bench.host.target, noAbort())
      await session.told.report(({ state }) => state === 'error', bench.pace.reactMs, since)
      await bench.host.recover?.()
    })

    it('says so when the host cannot be told to stop', async () => {
      const nowhere = { ...bench.host.target, url: 'http://127.0.0.1:9' }
      await expect(bench.host.driver.emergencyStop(nowhere, noAbort())).rejects.toMatchObject({ code: 'unreachable' })
    })
  })
}
