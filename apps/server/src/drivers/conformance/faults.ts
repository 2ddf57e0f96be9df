import { describe, expect, it } from 'vitest'

import { type Bench, noAbort } from './bench.js'
import { movesSample } from './harness.js'

const MALFORMED_FRAMES = [
  '',
  'hello',
  '{',
  'null',
  '[]',
  '17',
  '"text"',
  '{}',
  '{"current":17}',
  '{"current":{"state":null,"job":[],"progress":"none","temps":{}}}',
  '{"event":{"type":17}}',
  '{"history":null,"event":[]}',
  '{"jsonrpc":"2.0"}',
  '{"jsonrpc":"2.0","method":17,"params":null}',
  '{"jsonrpc":"2.0","id":-1,"result":"?"}',
  '{"jsonrpc":"2.0","method":"notify_status_update","params":[17]}',
  '{"jsonrpc":"2.0","method":"notify_history_changed","params":[{"action":"finished","job":null}]}',
  `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
  `{"unknown":"${'x'.repeat(500_000)}"}`,
]

/** A host that says nothing, or whose connection is dead, must be noticed within this. */
const LIVENESS_MS = 40_000

export const describeFaults = (bench: Bench): void => {
  describe('a host that misbehaves', () => {
    it('vanishes: the connection ends as unreachable, and a new one works once it is back', async () => {
      const { connection } = await bench.connect()
      bench.proxy.mode = 'gone'
      expect(await connection.closed).toMatchObject({ name: 'DriverError', code: 'unreachable' })
      await expect(connection.readReport(noAbort())).rejects.toMatchObject({ name: 'DriverError' })
      await expect(bench.connect()).rejects.toMatchObject({ name: 'DriverError', code: 'unreachable' })
      bench.proxy.mode = 'pass'
      const again = await bench.connect()
      expect(again.told.reports).not.toEqual([])
    })

    it(
      'goes silent with its connection open: noticed within the liveness time',
      async () => {
        const { connection } = await bench.connect()
        bench.proxy.mode = 'frozen'
        const error = await connection.closed
        expect(error?.code).toSatisfy((code) => code === 'timeout' || code === 'unreachable')
      },
      LIVENESS_MS,
    )

    it('sends frames that make no sense: they are passed over', async () => {
      const { connection, told } = await bench.connect()
      const before = told.all('printStarted').length + told.all('printEnded').length
      for (const frame of MALFORMED_FRAMES) bench.proxy.inject(frame)
      expect(await connection.readReport(noAbort())).toMatchObject({ printerConnected: true })
      const gone = await Promise.race([connection.closed.then(() => true), Promise.resolve(false)])
      expect(gone).toBe(false)
      expect(told.all('printStarted').length + told.all('printEnded').length).toBe(before)
    })

    it('sends a frame without measure: the connection ends with an error', async () => {
      const { connection } = await bench.connect()
      bench.proxy.inject(`{"x":"${'x'.repeat(40_000_000)}"}`)
      expect(await connection.closed).toMatchObject({ name: 'DriverError' })
    })

    it.each(['page', 'flood'] as const)('answers everything with a %s: no connection is made', async (mode) => {
      bench.proxy.mode = mode
      await expect(bench.connect()).rejects.toMatchObject({ name: 'DriverError' })
    })

    it('does not answer an order: a start and a deletion are unknown, the rest fails', async () => {
      const session = await bench.connect()
      const { connection } = session
      const remotePath = await bench.upload(session, movesSample(3))
      bench.proxy.mode = 'frozen'
      const soon = () => AbortSignal.timeout(500)
      expect(await connection.start(remotePath, soon())).toMatchObject({ kind: 'unknown' })
      expect(await connection.revoke(remotePath, soon())).toBe('unknown')
      await expect(connection.evidence(remotePath, soon())).rejects.toMatchObject({ name: 'DriverError' })
      await expect(connection.pause(remotePath, soon())).rejects.toMatchObject({ name: 'DriverError' })
      await expect(connection.readReport(soon())).rejects.toMatchObject({ name: 'DriverError' })
    })
  })
}
