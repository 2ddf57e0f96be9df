import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { readImports, type ImportReport } from './read-imports.js'
import { importRules } from './rules.js'

const SERVER = 'apps/server/src/'
const PACKAGES = [
  '@prisma/client',
  'pg',
  'bullmq',
  'ioredis',
  'pino',
  'prom-client',
  '@sentry/core',
  '@trpc/server',
  'hono',
  'undici',
]

/** Rule → a file that breaks it, and the import by which it does. */
const BREACHES: Record<string, [file: string, imported: string]> = {
  'folder-config': ['apps/server/src/config/a.ts', '../net/target.js'],
  'folder-kernel': ['apps/server/src/kernel/a.ts', '../net/target.js'],
  'folder-modules': ['apps/server/src/modules/one/db.ts', '../../db/target.js'],
  'folder-trpc': ['apps/server/src/trpc/a.ts', '../db/target.js'],
  'types-only-trpc': ['apps/server/src/trpc/b.ts', '../modules/two/two.service.js'],
  'folder-routers': ['apps/server/src/routers/a.ts', '../modules/two/two.service.js'],
  'folder-http': ['apps/server/src/http/a.ts', '../queues/target.js'],
  'types-only-http': ['apps/server/src/http/b.ts', '../modules/two/two.service.js'],
  'folder-drivers': ['apps/server/src/drivers/octoprint/a.ts', '../../modules/two/two.ports.js'],
  'folder-net': ['apps/server/src/net/a.ts', '../config/target.js'],
  'folder-db': ['apps/server/src/db/a.ts', '../net/target.js'],
  'types-only-db': ['apps/server/src/db/b.ts', '../modules/two/two.service.js'],
  'folder-events': ['apps/server/src/events/a.ts', '../db/target.js'],
  'folder-cache': ['apps/server/src/cache/a.ts', '../db/target.js'],
  'folder-queues': ['apps/server/src/queues/a.ts', '../modules/two/two.service.js'],
  'folder-adapters': ['apps/server/src/adapters/mail/a.ts', '../../modules/two/two.service.js'],
  'folder-observability': ['apps/server/src/observability/a.ts', '../config/target.js'],
  'vendor-prisma': ['apps/server/src/modules/two/prisma.ts', '@prisma/client'],
  'vendor-pg': ['apps/server/src/http/pg.ts', 'pg'],
  'vendor-bullmq': ['apps/server/src/modules/two/bullmq.ts', 'bullmq'],
  'vendor-ioredis': ['apps/server/src/http/ioredis.ts', 'ioredis'],
  'vendor-pino': ['apps/server/src/kernel/pino.ts', 'pino'],
  'vendor-prometheus': ['apps/server/src/http/prometheus.ts', 'prom-client'],
  'vendor-sentry': ['apps/server/src/http/sentry.ts', '@sentry/core'],
  'vendor-trpc': ['apps/server/src/kernel/trpc.ts', '@trpc/server'],
  'vendor-hono': ['apps/server/src/trpc/hono.ts', 'hono'],
  'vendor-nodemailer': ['apps/server/src/net/mail.ts', 'nodemailer'],
  'vendor-busboy': ['apps/server/src/net/busboy.ts', '@fastify/busboy'],
  'vendor-outbound': ['apps/server/src/drivers/octoprint/undici.ts', 'undici'],
  'folder-without-a-row': ['apps/server/src/helpers/a.ts', '../net/target.js'],
  'prisma-types': ['apps/server/src/http/generated.ts', '../db/generated/client.js'],
  main: ['apps/server/src/main.ts', './db/target.js'],
  'composition-root-is-the-top': ['apps/server/src/queues/root.ts', '../app.js'],
  'testing-stays-in-tests': ['apps/server/src/app.ts', './testing/target.js'],
  'domain-does-no-io': ['apps/server/src/kernel/io.ts', 'node:fs'],
  'packages-know-no-app': ['packages/client-sdk/src/a.ts', '../../../apps/server/src/net/target.js'],
  'packages-stand-alone': ['packages/schemas/src/a.ts', '@gantry/virtual-printers'],
  'no-path-into-another-package': ['apps/server/src/net/path.ts', '../../../../packages/schemas/src/index.js'],
  'no-cycle': ['apps/server/src/net/circle.ts', './circle-back.js'],
  resolvable: ['apps/server/src/net/nowhere.ts', './no-such-file.js'],
}

/** What the breaches reach for, and what is allowed and must not be reported. */
const SOUND: Record<string, string> = {
  ...Object.fromEntries(
    ['config', 'db', 'net', 'queues', 'testing'].map((name) => [
      `${SERVER}${name}/target.ts`,
      'export const value = 1',
    ]),
  ),
  [`${SERVER}db/generated/client.ts`]: 'export const value = 1',
  [`${SERVER}modules/two/two.service.ts`]:
    "import type { value } from './two.ports.js'\nexport type Two = typeof value",
  [`${SERVER}modules/two/two.ports.ts`]: 'export const value = 1',
  [`${SERVER}modules/two/two.test.ts`]: "import { value } from '../../db/target.js'\nimport 'pg'\nvoid value",
  [`${SERVER}trpc/sound.ts`]: "import type { Two } from '../modules/two/two.service.js'\nexport type Alias = Two",
  [`${SERVER}net/circle-back.ts`]: "import { value } from './circle.js'\nexport { value }",
  [`${SERVER}modules/three/a.ts`]: "import type { Four } from '../four/a.js'\nexport type Three = Four",
  [`${SERVER}modules/three/b.ts`]: 'export type Third = 3',
  [`${SERVER}modules/three/three.ports.ts`]:
    "import type { value } from '../two/two.ports.js'\nexport type T = typeof value",
  [`${SERVER}modules/two/reader.ts`]: "import type { T } from '../three/three.ports.js'\nexport type Read = T",
  [`${SERVER}modules/four/a.ts`]: 'export type Four = 4',
  [`${SERVER}modules/four/b.ts`]: "import type { Third } from '../three/b.js'\nexport type Fourth = Third",
  'packages/schemas/src/index.ts': 'export const value = 1',
  'tools/sound.ts': "import { value } from '@gantry/virtual-printers'\nvoid value",
}

const manifest = (name: string, entry: string) =>
  JSON.stringify({ name, version: '1.0.0', type: 'module', exports: { '.': { types: entry, default: entry } } })

async function write(root: string, files: Record<string, string>): Promise<void> {
  for (const [file, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, file)), { recursive: true })
    await writeFile(path.join(root, file), content)
  }
}

let root: string
let report: ImportReport

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'gantry-imports-'))
  await write(root, SOUND)
  for (const [file, imported] of Object.values(BREACHES))
    await write(root, { [file]: `import { value } from '${imported}'\nexport { value }\n` })
  for (const name of [...PACKAGES, '@fastify/busboy']) {
    await write(root, {
      [`node_modules/${name}/package.json`]: manifest(name, './index.js'),
      [`node_modules/${name}/index.js`]: 'export const value = 1',
    })
  }
  await write(root, {
    'packages/virtual-printers/package.json': manifest('@gantry/virtual-printers', './src/index.ts'),
    'packages/virtual-printers/src/index.ts': 'export const value = 1',
  })
  await mkdir(path.join(root, 'node_modules/@gantry'), { recursive: true })
  await symlink(path.join(root, 'packages/virtual-printers'), path.join(root, 'node_modules/@gantry/virtual-printers'))
  report = await readImports(root)
})

afterAll(() => rm(root, { recursive: true, force: true }))

describe('import boundaries', () => {
  it.each(importRules.map(({ name }) => name))('report who breaks %s', (name = '') => {
    const breach = BREACHES[name]
    expect(breach, `a breach of ${name} to try`).toBeDefined()
    const reported = report.violations.filter(({ rule }) => rule === name)
    // A cycle is reported once, from whichever file was met first.
    expect(reported.map(({ from, to }) => `${from} → ${to}`).join('\n')).toContain(breach?.[0])
  })

  it('report modules that need more of each other than the types of their ports, though through different files', () => {
    expect(report.violations.filter(({ rule }) => rule === 'no-module-cycle').map(({ from }) => from)).toEqual([
      'four, three',
    ])
  })

  it('report nothing of a file that keeps them', () => {
    const guilty = new Set([
      ...Object.values(BREACHES).map(([file]) => file),
      `${SERVER}net/circle-back.ts`,
      'four, three',
    ])
    expect(report.violations.filter(({ from }) => !guilty.has(from))).toEqual([])
  })

  it('count every file on disk', () => {
    expect(report.files).toBe(Object.keys(SOUND).length - 1 + Object.keys(BREACHES).length + 1)
  })
})

it('refuses to call a folder clean in which it read nothing', async () => {
  const empty = await mkdtemp(path.join(tmpdir(), 'gantry-imports-'))
  await write(empty, { 'apps/a.md': '', 'packages/a.md': '', 'tools/a.md': '' })
  await expect(readImports(empty)).rejects.toThrow('were not read')
  await rm(empty, { recursive: true })
})
