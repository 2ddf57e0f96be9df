import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { keptFile } from './kept-file.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gantry-kept-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

it('a kept file is the same bytes for everybody who asks', async () => {
  const path = join(folder, 'asset')
  await writeFile(path, 'once')
  const bytes = keptFile(path)
  const [one, other] = await Promise.all([bytes(), bytes()])
  expect(one.toString()).toBe('once')
  expect(other).toBe(one)
  expect(await bytes()).toBe(one)
})

it('a file that could not be read is tried again', async () => {
  const path = join(folder, 'late')
  const bytes = keptFile(path)
  await expect(bytes()).rejects.toThrow('ENOENT')
  await writeFile(path, 'here')
  expect((await bytes()).toString()).toBe('here')
})
