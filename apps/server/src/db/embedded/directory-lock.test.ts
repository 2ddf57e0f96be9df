import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { afterEach, beforeEach, expect, it } from 'vitest'

import { Deadline } from './deadline.js'
import { withDirectoryLock } from './directory-lock.js'
import { ProcessFolder } from './process-folder.js'

const contender = fileURLToPath(new URL('../../../test/fixtures/lock-contender.ts', import.meta.url))
const children: ChildProcess[] = []
let base: string
let folder: string
let journal: string

beforeEach(async () => {
  base = await mkdtemp(path.join(tmpdir(), 'gantry-lock-'))
  folder = path.join(base, 'lock')
  journal = path.join(base, 'journal')
  await mkdir(folder)
  await writeFile(journal, '')
})

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rm(base, { recursive: true, force: true })
})

function contend(rounds: number): ChildProcess {
  const args = ['--import', 'tsx', '--conditions=gantry-source', contender, folder, journal, String(rounds)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  children.push(child)
  return child
}

const journalText = () => readFile(journal, 'utf8')

it('lets one process in at a time', async () => {
  const contenders = [1, 2, 3].map(() => contend(8))
  const codes = await Promise.all(contenders.map(async (child) => (await once(child, 'exit'))[0] as unknown))
  expect(codes).toEqual([0, 0, 0])
  expect(await journalText()).toBe('+-'.repeat(24))
})

it('lets one task of a process in at a time', async () => {
  let inside = 0
  const tasks = Array.from({ length: 6 }, () =>
    withDirectoryLock(new ProcessFolder(folder), { timeoutSeconds: 30 }, async () => {
      expect(++inside).toBe(1)
      await Promise.resolve()
      inside--
    }),
  )
  await Promise.all(tasks)
  expect(await readdir(folder)).toEqual([])
})

it('is free again when its holder is killed', async () => {
  const holder = contend(0)
  await new Deadline(20).poll(async () => ((await journalText()) === '+' ? true : undefined))
  const lock = new ProcessFolder(folder)
  await expect(withDirectoryLock(lock, { timeoutSeconds: 0.2 }, () => Promise.resolve())).rejects.toMatchObject({
    code: 'lock_timeout',
    message: expect.stringContaining(`pid ${String(holder.pid)}`) as string,
  })
  holder.kill('SIGKILL')
  await once(holder, 'exit')
  expect(await withDirectoryLock(lock, { timeoutSeconds: 5 }, () => Promise.resolve('in'))).toBe('in')
})

it('does not take another process with the same pid for the holder', async () => {
  await new ProcessFolder(folder, () => Promise.resolve('earlier-start')).enter()
  expect(await withDirectoryLock(new ProcessFolder(folder), { timeoutSeconds: 5 }, () => Promise.resolve('in'))).toBe(
    'in',
  )
})

it('is released when the work fails', async () => {
  const lock = new ProcessFolder(folder)
  const work = withDirectoryLock(lock, { timeoutSeconds: 5 }, () => Promise.reject(new Error('broken')))
  await expect(work).rejects.toThrow('broken')
  expect(await lock.liveEntries()).toEqual([])
})
