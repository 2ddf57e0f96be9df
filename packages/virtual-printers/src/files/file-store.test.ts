import { existsSync, readdirSync } from 'node:fs'
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FileStore } from './file-store.js'

let directory: string
let store: FileStore
beforeEach(() => {
  directory = join(tmpdir(), `file-store-${randomUUID()}`)
  store = new FileStore(directory, () => 1_000)
})
afterEach(() => store.removeAll())

test('a staged file gets its name with its size and hashes; a newer one replaces it', async () => {
  await store.commit('a.gcode', await store.stage('G28\n'))
  const file = await store.commit(
    'a.gcode',
    await store.stage(Readable.from([Buffer.from('G28\n'), Buffer.from('M84\n')])),
  )
  expect(file).toMatchObject({ sizeBytes: 8, modifiedMs: 1_000, sha1: '36ec8081f2eea66551cc60ad03bb1c2192d0c4d1' })
  expect(readdirSync(directory)).toHaveLength(1)
  expect(await store.read('a.gcode')).toEqual(Buffer.from('G28\nM84\n'))
})

test('a stream that breaks leaves nothing behind', async () => {
  const broken = Readable.from(
    (function* () {
      yield Buffer.from('G28\n')
      throw new Error('cut')
    })(),
  )
  await expect(store.stage(broken)).rejects.toThrow('cut')
  expect(readdirSync(directory)).toEqual([])
})

test('a file that is open stays readable when it is deleted', async () => {
  await store.commit('a.gcode', await store.stage('G28\n'))
  const source = store.open('a.gcode')!
  expect(await store.delete('a.gcode')).toBe(true)
  expect(await store.delete('a.gcode')).toBe(false)
  expect(store.open('a.gcode')).toBeNull()
  const target = Buffer.alloc(10)
  expect(source.readAt(0, target)).toBe(4)
  source.close()
  await store.removeAll()
  expect(existsSync(directory)).toBe(false)
})
