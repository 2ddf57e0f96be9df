import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { LeakError } from '../scripts/types/leak.js'
import { exportsOf } from '../scripts/types/server-program.js'
import { TypeWriter } from '../scripts/types/type-writer.js'

const SECRET = 'export interface Row { id: string }\nexport class Decimal { digits = 1 }\n'
const TYPES = `
import type { Decimal, Row } from './secret.js'
export interface Plain { id: string; at?: Date | null; tags: string[]; more: Record<string, unknown>; pair: [number, 'a'] }
export type Nested = {
  /** A comment. */
  plain: Plain | null; kind: 'b' | 'a' | undefined; flag: boolean }
export type Loose = { deep: { value: any } }
export type Inner = { row: Row }
export type Classy = { price: Decimal }
export type Callable = { run: () => void }
export type Mapped = { map: Map<string, string> }
export type Endless = { next: Endless | null }
`

let folder: string
let writer: TypeWriter
let exported: Map<string, ts.Symbol>
let checker: ts.TypeChecker
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gantry-types-'))
  const file = path.join(folder, 'types.ts')
  await writeFile(file, TYPES)
  await writeFile(path.join(folder, 'secret.ts'), SECRET)
  const program = ts.createProgram([file], {
    strict: true,
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
  })
  checker = program.getTypeChecker()
  writer = new TypeWriter({ program, isPublicFile: (name) => !name.endsWith('secret.ts') })
  exported = exportsOf(program, file)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const typeOf = (name: string): ts.Type => checker.getDeclaredTypeOfSymbol(exported.get(name) as ts.Symbol)
const written = (name: string) => writer.write(typeOf(name), name).replaceAll(/\s+/g, ' ')

describe('the generator of types', () => {
  it('writes types out in full, in the order of their declaration, with sorted unions and comments', () => {
    expect(written('Plain')).toBe(
      '{ id: string at?: Date | null tags: (string)[] more: { [key: string]: unknown } pair: [number, "a"] }',
    )
    expect(written('Nested')).toContain(`kind: "a" | "b" | undefined flag: boolean`)
    expect(written('Nested')).toContain('/** A comment. */')
  })

  it.each([
    ['Loose', 'Loose.deep.value: is any'],
    ['Inner', 'Inner.row: is Row of'],
    ['Classy', 'Classy.price: is the class Decimal'],
    ['Callable', 'Callable.run: is a function'],
    ['Mapped', 'Mapped.map: is Map<string, string>, which JSON does not carry'],
    ['Endless', 'is recursive'],
  ])('refuses %s and says where it leaks', (name, message) => {
    expect(() => written(name)).toThrow(LeakError)
    expect(() => written(name)).toThrow(message)
  })

  it('uses the names that it was taught', () => {
    writer.name(typeOf('Plain'), 'Plain')
    expect(written('Nested')).toContain('plain: Plain | null')
  })
})
