import { Readable } from 'node:stream'

import { describe, expect, it } from 'vitest'

import { type Bench, freshName, noAbort, sourceOf } from './bench.js'
import { movesSample } from './harness.js'

export const describeFiles = (bench: Bench): void => {
  describe('files', () => {
    it('uploads, says where the host put it, and lists it with its size', async () => {
      const session = await bench.connect()
      const text = movesSample(5000)
      const source = sourceOf(text)
      const sent: number[] = []
      const name = freshName()
      const options = { signal: noAbort(), onProgress: (bytes: number) => void sent.push(bytes) }
      const { remotePath } = await session.connection.upload(source, name, options)
      expect(remotePath).toContain(name)
      expect(sent.at(-1)).toBe(source.sizeBytes)
      const listed = await session.connection.listFiles(1000, noAbort())
      const entry = listed.find((file) => file.remotePath === remotePath)
      expect(entry).toMatchObject({ sizeBytes: source.sizeBytes })
      expect(entry?.modifiedAt).toBeInstanceOf(Date)
      expect(await session.connection.revoke(remotePath, noAbort())).toBe('deleted')
    })

    it('lists no more files than asked for', async () => {
      const session = await bench.connect()
      await bench.upload(session, movesSample(3))
      await bench.upload(session, movesSample(3))
      expect(await session.connection.listFiles(1, noAbort())).toHaveLength(1)
    })

    it.skipIf(bench.skips('keepExistingNames'))('does not replace a file that exists', async () => {
      const session = await bench.connect()
      const remotePath = await bench.upload(session, movesSample(3))
      const again = session.connection.upload(sourceOf(movesSample(30)), remotePath, { signal: noAbort() })
      await expect(again).rejects.toMatchObject({ name: 'DriverError', code: 'conflict_file' })
      const listed = await session.connection.listFiles(1000, noAbort())
      const { sizeBytes } = sourceOf(movesSample(3))
      expect(listed).toContainEqual(expect.objectContaining({ remotePath, sizeBytes }))
    })

    it('stops an upload when told to and leaves no request behind', async () => {
      const { connection } = await bench.connect()
      const given = new AbortController()
      const stuck = new Readable({ read: () => undefined })
      stuck.push('G28\n'.repeat(100))
      const source = { sizeBytes: 1_000_000, sha256: '', open: () => stuck }
      const options = { signal: given.signal, onProgress: () => given.abort() }
      const upload = connection.upload(source, freshName(), options)
      stuck.push('G28\n'.repeat(100))
      await expect(upload).rejects.toMatchObject({ name: 'DriverError', code: 'aborted' })
      expect(stuck.destroyed).toBe(true)
      await expect.poll(() => bench.proxy.requestsUnderWay).toBe(0)
      expect(await connection.readReport(noAbort())).toMatchObject({ printerConnected: true })
    })

    it('fails an upload whose content ends early', async () => {
      const { connection } = await bench.connect()
      const source = { sizeBytes: 5000, sha256: '', open: () => Readable.from([Buffer.from('G28\n')]) }
      const upload = connection.upload(source, freshName(), { signal: noAbort() })
      await expect(upload).rejects.toMatchObject({ name: 'DriverError' })
      await expect.poll(() => bench.proxy.requestsUnderWay).toBe(0)
    })

    it('deletes a file so that it is gone, and says so when asked again', async () => {
      const session = await bench.connect()
      const remotePath = await bench.upload(session, movesSample(3))
      expect(await session.connection.revoke(remotePath, noAbort())).toBe('deleted')
      expect(await session.connection.revoke(remotePath, noAbort())).toBe('absent')
      const answer = await session.connection.start(remotePath, noAbort())
      expect(answer).toMatchObject({ kind: 'rejected', error: { name: 'DriverError', code: 'not_found' } })
    })

    it('knows nothing of a file that was never there, or never started', async () => {
      const session = await bench.connect()
      expect(await session.connection.evidence(freshName(), noAbort())).toEqual({ kind: 'none' })
      const remotePath = await bench.upload(session, movesSample(3))
      expect(await session.connection.evidence(remotePath, noAbort())).toEqual({ kind: 'none' })
    })
  })
}
