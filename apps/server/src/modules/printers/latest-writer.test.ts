import { describe, expect, it } from 'vitest'

import { recordingLogger } from '../../testing/recording-logger.js'
import { LatestWriter } from './latest-writer.js'

const open = () => {
  const written: string[] = []
  const pending: { resolve: () => void; reject: (error: Error) => void }[] = []
  const log = recordingLogger()
  const writer = new LatestWriter<string>((key, value) => {
    written.push(`${key}=${value}`)
    return new Promise((resolve, reject) => pending.push({ resolve, reject }))
  }, log)
  const settle = async (error?: Error) => {
    const write = pending.shift()
    if (error === undefined) write?.resolve()
    else write?.reject(error)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { writer, written, settle, log }
}

describe('a writer of latest values', () => {
  it('writes one at a time, the latest last, and nothing that was overtaken', async () => {
    const { writer, written, settle } = open()
    for (const state of ['idle', 'printing', 'paused', 'printing']) writer.put('a', state)
    expect(written).toEqual(['a=idle'])
    await settle()
    await settle()
    expect(written).toEqual(['a=idle', 'a=printing'])
    await writer.idle()
  })

  it('writes nothing that is written already', async () => {
    const { writer, written, settle } = open()
    writer.put('a', 'idle')
    await settle()
    writer.put('a', 'idle')
    expect(written).toEqual(['a=idle'])
  })

  it('tries again, when it is told again, what could not be written', async () => {
    const { writer, written, settle, log } = open()
    writer.put('a', 'idle')
    await settle(new Error('no database'))
    expect(log.lines).toHaveLength(1)
    writer.put('a', 'idle')
    await settle()
    expect(written).toEqual(['a=idle', 'a=idle'])
  })

  it('lets no key wait for another', async () => {
    const { writer, written, settle } = open()
    writer.put('a', 'idle')
    writer.put('b', 'idle')
    expect(written).toEqual(['a=idle', 'b=idle'])
    await settle()
    await settle()
  })
})
