import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterEach, beforeEach, expect, it } from 'vitest'

import { boundLog, logSizeBytes, readLogSince } from './log-file.js'

let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gantry-log-'))
  file = path.join(folder, 'postgres.log')
})

afterEach(() => rm(folder, { recursive: true, force: true }))

it('leaves a small log and a missing one alone', async () => {
  await boundLog(file)
  expect(await logSizeBytes(file)).toBe(0)
  await writeFile(file, 'ready\n')
  await boundLog(file)
  expect(await readFile(file, 'utf8')).toBe('ready\n')
})

it('moves a large log aside', async () => {
  await writeFile(file, Buffer.alloc(9 * 1024 * 1024, 'x'))
  await boundLog(file)
  expect(await logSizeBytes(file)).toBe(0)
  expect((await stat(`${file}.1`)).size).toBe(9 * 1024 * 1024)
})

it('reads what was written since', async () => {
  await writeFile(file, 'old\n')
  const size = await logSizeBytes(file)
  await appendFile(file, 'new\n')
  expect(await readLogSince(file, size)).toBe('new')
})
