import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const execute = promisify(execFile)
const sdk = path.resolve(import.meta.dirname, '..')
const binaries = path.resolve(sdk, '../../node_modules/.bin')
const COMMAND_TIMEOUT_MS = 240_000

let folder: string
let project: string
let tarball: string

/** What a command printed. @throws Error with all it printed when it failed */
const run = async (cwd: string, command: string, ...args: string[]): Promise<string> => {
  try {
    const { stdout } = await execute(command, args, { cwd, timeout: COMMAND_TIMEOUT_MS, maxBuffer: 32_000_000 })
    return stdout
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${command} ${args.join(' ')}\n${stdout}\n${stderr}`, { cause: error })
  }
}

/** The TypeScript of the README, each example a module of its own. */
const writeExamples = async (): Promise<number> => {
  const readme = await readFile(path.join(sdk, 'README.md'), 'utf8')
  const examples = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code)
  await mkdir(path.join(project, 'readme'))
  for (const [index, code] of examples.entries()) {
    await writeFile(path.join(project, 'readme', `example-${index + 1}.ts`), code)
  }
  return examples.length
}

const writeConfig = (name: string, options: Record<string, unknown>) =>
  writeFile(
    path.join(project, `tsconfig.${name}.json`),
    JSON.stringify({
      compilerOptions: {
        ...{ strict: true, noEmit: true, skipLibCheck: false, target: 'ES2022', exactOptionalPropertyTypes: true },
        ...{ noUncheckedIndexedAccess: true, ...options },
      },
      include: ['*.ts', 'readme/*.ts'],
    }),
  )

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gantry-client-'))
  project = path.join(folder, 'project')
  await run(sdk, path.join(binaries, 'tsdown'))
  await run(sdk, 'npm', 'pack', '--pack-destination', folder)
  const [name = ''] = (await readdir(folder)).filter((file) => file.endsWith('.tgz'))
  tarball = path.join(folder, name)
  await cp(path.join(sdk, 'test/consumer'), project, { recursive: true })
  await writeFile(path.join(project, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }')
  const wanted = ['typescript@6.0.3', 'typescript-5@npm:typescript@5.9.3', 'expect-type@1.4.0', '@types/node@20']
  await run(project, 'npm', 'install', '--no-audit', '--no-fund', tarball, ...wanted)
  await writeExamples()
  const node = { lib: ['ES2022', 'ESNext.Disposable'], types: ['node'] }
  const browser = { lib: ['ES2022', 'ESNext.Disposable', 'DOM', 'DOM.AsyncIterable'], types: ['node'] }
  await writeConfig('nodenext', { module: 'NodeNext', moduleResolution: 'NodeNext', ...node })
  await writeConfig('bundler', { module: 'ESNext', moduleResolution: 'Bundler', ...browser })
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('the packed client', () => {
  it.each([
    ['6.0.3', 'typescript', 'nodenext'],
    ['6.0.3', 'typescript', 'bundler'],
    ['5.9.3', 'typescript-5', 'nodenext'],
    ['5.9.3', 'typescript-5', 'bundler'],
  ])('compiles strictly with TypeScript %s (%s, %s), README and all', async (version, compiler, config) => {
    const tsc = path.join('node_modules', compiler, 'bin/tsc')
    expect(await run(project, process.execPath, tsc, '--version')).toContain(version)
    await run(project, process.execPath, tsc, '-p', `tsconfig.${config}.json`)
  })

  it('runs in an empty project', async () => {
    expect(JSON.parse(await run(project, process.execPath, 'run.mjs'))).toEqual({
      codes: ['NETWORK', 'SOURCE_FAILED'],
      text: 'The bed is not cleared.',
    })
  })

  it('brings along neither server nor validator', async () => {
    const installed = await readdir(path.join(project, 'node_modules'))
    expect(installed.filter((name) => /^(zod|prisma|pg|bullmq|ioredis|@prisma)$/.test(name))).toEqual([])
    expect(await readdir(path.join(project, 'node_modules/@gantry'))).toEqual(['client'])
  })

  it('says nothing of the inside of the server', async () => {
    const dist = path.join(project, 'node_modules/@gantry/client/dist')
    const files = (await readdir(dist)).filter((name) => name.endsWith('.d.ts') || name.endsWith('.js'))
    // `Actor` as the type is called; "actor" is a word of the audit log.
    const inside = [
      /@gantry\/|prisma|apps\/server|\/modules\/|\bGantryError\b|\bctx\b|ZodType|\bzod\b|Cipher/i,
      /\bActor\b/,
    ]
    for (const name of files) {
      // Its own name, and tRPC's word for a context that the types leave empty.
      const text = (await readFile(path.join(dist, name), 'utf8')).replaceAll(/@gantry\/client|ctx: object/g, '')
      expect({ name, found: inside.flatMap((inner) => inner.exec(text)?.[0] ?? []).at(0) ?? null }).toEqual({
        name,
        found: null,
      })
    }
    const browser = await readFile(path.join(dist, 'index.js'), 'utf8')
    expect(browser).not.toContain('node:')
  })

  it('is packed as package managers and TypeScript expect', async () => {
    expect(await run(folder, path.join(binaries, 'publint'), 'run', tarball, '--strict')).toContain('All good')
    await run(folder, path.join(binaries, 'attw'), tarball, '--profile', 'esm-only')
  })
})
