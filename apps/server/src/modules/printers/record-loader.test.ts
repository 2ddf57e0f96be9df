import { describe, expect, it } from 'vitest'

import type { UnitOfWork } from '../../kernel/index.js'
import type { PrinterRecord, PrinterRepository } from './printers.ports.js'
import { RecordLoader } from './record-loader.js'

const open = () => {
  const reads: { ids: string[]; answer: (ids?: string[]) => void; fail: () => void }[] = []
  const getMany = (ids: string[]) =>
    new Promise<Map<string, PrinterRecord>>((resolve, reject) => {
      const answer = (known = ids) => resolve(new Map(known.map((id) => [id, { id } as PrinterRecord])))
      reads.push({ ids, answer, fail: () => reject(new Error('no database')) })
    })
  const unitOfWork = { run: (work: (tx: unknown) => unknown) => work({ printers: { getMany } }) }
  const loader = new RecordLoader(unitOfWork as unknown as UnitOfWork<{ printers: PrinterRepository }>)
  return { loader, reads }
}

describe('rows of printers', () => {
  it('that are asked for during a read are read together by the next, which began after they were asked for', async () => {
    const { loader, reads } = open()
    const first = loader.load('a')
    const [again, other, gone] = [loader.load('a'), loader.load('b'), loader.load('c')]
    expect(reads.map(({ ids }) => ids)).toEqual([['a']])
    reads[0]?.answer()
    expect((await first)?.id).toBe('a')
    await expect.poll(() => reads.length).toBe(2)
    expect(reads[1]?.ids).toEqual(['a', 'b', 'c'])
    reads[1]?.answer(['a', 'b'])
    expect([(await again)?.id, (await other)?.id, await gone]).toEqual(['a', 'b', null])
  })

  it('fail for those who asked, and are read again for whoever asks next', async () => {
    const { loader, reads } = open()
    const first = loader.load('a')
    const second = loader.load('b')
    reads[0]?.fail()
    await expect(first).rejects.toThrow('no database')
    await expect.poll(() => reads.length).toBe(2)
    reads[1]?.answer()
    expect((await second)?.id).toBe('b')
    const third = loader.load('c')
    reads[2]?.answer()
    expect((await third)?.id).toBe('c')
  })
})
