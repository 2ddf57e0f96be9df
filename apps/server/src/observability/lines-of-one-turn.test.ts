import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

import { describe, expect, it } from 'vitest'

import { LinesOfOneTurn } from './lines-of-one-turn.js'

const open = () => {
  const writes: string[] = []
  return { writes, stream: new LinesOfOneTurn({ write: (text) => void writes.push(text) }) }
}
const nextTurn = () => new Promise(setImmediate)

describe('the lines of one turn', () => {
  it('are written together at its end, in their order', async () => {
    const { writes, stream } = open()
    for (let turn = 1; turn <= 2; turn += 1) {
      stream.write(`${turn} a\n`)
      stream.write(`${turn} b\n`)
      expect(writes).toHaveLength(turn - 1)
      await nextTurn()
      expect(writes).toHaveLength(turn)
    }
    expect(writes).toEqual(['1 a\n1 b\n', '2 a\n2 b\n'])
  })

  it('are written at once when they are many', async () => {
    const { writes, stream } = open()
    const line = `${'x'.repeat(999)}\n`
    for (let n = 0; n < 1_000; n += 1) stream.write(line)
    expect(writes.length).toBeGreaterThan(10)
    await nextTurn()
    expect(writes.join('')).toBe(line.repeat(1_000))
  })

  it('leave nothing behind on the process', async () => {
    const before = process.listenerCount('exit')
    const streams = Array.from({ length: 5 }, open)
    for (const { stream } of streams) stream.write('a\n')
    await nextTurn()
    expect(process.listenerCount('exit')).toBe(before)
    expect(streams.every(({ writes }) => writes.join('') === 'a\n')).toBe(true)
  })

  it.each(['process.exit(3)', 'throw new Error("boom")', ''])(
    'are written when the process ends by "%s"',
    async (end) => {
      const logger = new URL('./logger.ts', import.meta.url).href
      const code = `import { createLogger } from ${JSON.stringify(logger)}
      const log = createLogger({ level: 'info' })
      log.info({}, 'first'); log.info({}, 'last')
      ${end}`
      const args = ['--import', 'tsx', '--conditions=gantry-source', '--input-type=module', '-e', code]
      const run = promisify(execFile)(process.execPath, args)
      const { stdout } = await run.catch((error: unknown) => error as { stdout: string })
      expect(stdout.trim().split('\n')).toEqual([expect.stringContaining('"first"'), expect.stringContaining('"last"')])
    },
  )
})
