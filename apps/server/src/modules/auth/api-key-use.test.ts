import { expect, it } from 'vitest'

import { ManualClock } from '../../testing/manual-clock.js'
import { recordingLogger } from '../../testing/recording-logger.js'
import { ApiKeyUse } from './api-key-use.js'
import type { UnitOfWork } from '../../kernel/index.js'

const open = () => {
  const clock = new ManualClock()
  const written: string[][] = []
  const state = { fails: false }
  const apiKeys = {
    noteUse: (keyIds: readonly string[]) => {
      if (state.fails) return Promise.reject(new Error('away'))
      written.push([...keyIds])
      return Promise.resolve()
    },
  }
  const run = (work: (tx: { apiKeys: typeof apiKeys }) => Promise<unknown>) => work({ apiKeys })
  const unitOfWork = { run } as unknown as UnitOfWork<{ apiKeys: typeof apiKeys }>
  return { clock, written, state, use: new ApiKeyUse({ unitOfWork, clock, log: recordingLogger() }) }
}

it('is written once a minute, however often a key is used, and not at all while none is', async () => {
  const { clock, written, use } = open()
  use.start()
  for (const id of ['key_1', 'key_2', 'key_1', 'key_1']) use.note(id)
  expect(written).toEqual([])
  await clock.advance(60_000)
  expect(written).toEqual([['key_1', 'key_2']])
  await clock.advance(120_000)
  expect(written).toHaveLength(1)
  use.note('key_2')
  await use.stop()
  expect(written).toEqual([['key_1', 'key_2'], ['key_2']])
})

it('that cannot be written is lost, and stops nothing', async () => {
  const { written, state, use } = open()
  state.fails = true
  use.note('key_1')
  await use.flush()
  state.fails = false
  use.note('key_2')
  await use.flush()
  expect(written).toEqual([['key_2']])
})
