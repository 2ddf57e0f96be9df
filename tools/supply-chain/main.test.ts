import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'

import { describe, expect, it } from 'vitest'

import { nameAndVersion, readLockfile } from './lockfile.js'
import { npm } from './npm.js'
import { withoutDevelopment, type Sbom } from './sbom.js'

const repository = path.resolve(import.meta.dirname, '../..')
const PATIENCE_MS = 120_000

/** The command as `npm run check` starts it. */
const run = async (command: string, environment: Record<string, string> = {}) => {
  const binary = path.join(repository, 'node_modules/.bin/tsx')
  const child = spawn(binary, ['tools/supply-chain/main.ts', command], {
    cwd: repository,
    env: { ...process.env, ...environment },
  })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number]
  return { code, output }
}

/** A registry that knows these holes; null: it refuses to say. */
const registry = async (holes: object | null) => {
  const server = createServer((request, response) => {
    const isAsked = request.url?.endsWith('/advisories/bulk') === true
    request.resume()
    response.writeHead(isAsked && holes !== null ? 200 : 405, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify(holes ?? {}))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    environment: { npm_config_registry: `http://127.0.0.1:${port}/` },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

it('the rules hold for this repository', { timeout: PATIENCE_MS }, async () => {
  const { code, output } = await run('check')
  expect(output).toMatch(/^\d{3,} packages read\n$/)
  expect(code).toBe(0)
})

it('the bill of materials names every package that the server may load', { timeout: PATIENCE_MS }, async () => {
  const all = JSON.parse(await npm(repository, 'sbom', '--sbom-format=cyclonedx', '--package-lock-only')) as Sbom
  const { components, dependencies, metadata } = withoutDevelopment(all, 'gantry')
  const named = new Set(components.map((component) => component['bom-ref']))
  const packages = await readLockfile(repository)
  const expected = packages.filter(({ dev }) => !dev).map(nameAndVersion)
  expect(expected.length).toBeGreaterThan(150)
  expect(expected.filter((each) => !named.has(each))).toEqual([])
  const tools = new Set(packages.filter(({ dev }) => dev).map(nameAndVersion))
  const both = new Set(expected)
  expect([...named].filter((each) => tools.has(each) && !both.has(each))).toEqual([])
  expect(metadata.component.name).toBe('gantry')
  expect(dependencies.length).toBeGreaterThan(components.length)
  expect(dependencies.flatMap(({ dependsOn }) => dependsOn).filter((ref) => !named.has(ref))).toEqual([])
})

describe('the audit', () => {
  it('passes when the registry knows of nothing', { timeout: PATIENCE_MS }, async () => {
    await using known = await registry({})
    expect(await run('audit', known.environment)).toEqual({ code: 0, output: '0 known holes, 0 of them excepted\n' })
  })

  it('fails with what the registry knows', { timeout: PATIENCE_MS }, async () => {
    const hole = {
      ...{ id: 1, url: 'https://github.com/advisories/GHSA-abcd-1234-efgh', title: 'It leaks', severity: 'low' },
      ...{ vulnerable_versions: '>=0', cwe: [], cvss: { score: 0, vectorString: null } },
    }
    await using known = await registry({ pino: [hole] })
    const { code, output } = await run('audit', known.environment)
    expect(output).toContain('pino: It leaks (low, GHSA-abcd-1234-efgh)\n')
    expect(code).toBe(1)
  })

  it(
    'says that it was not made when the registry does not answer, and fails where it has to',
    { timeout: PATIENCE_MS },
    async () => {
      await using silent = await registry(null)
      const { code, output } = await run('audit', silent.environment)
      expect(output).toMatch(/^not audited: 405 /)
      expect(code).toBe(0)
      expect((await run('audit', { ...silent.environment, AUDIT_REQUIRED: 'true' })).code).toBe(1)
    },
  )
})

it('an unknown command is told how it goes', async () => {
  const { code, output } = await run('nothing')
  expect([code, output.split('\n')[0]]).toEqual([2, 'Usage: npm run supply-chain -- COMMAND'])
})
