/**
 * Who may import whom. The table is section "The house" of the architecture, with the reasons for what is wider or
 * narrower in docs/adr/0007-import-boundaries.md. Paths are relative to the repository.
 */
import type { IFlattenedRuleSet } from 'dependency-cruiser'

type Rule = NonNullable<IFlattenedRuleSet['forbidden']>[number]

const SRC = '^apps/server/src/'

/** Tests and what serves them alone may join anything that they hold together. */
const TESTS = ['\\.test\\.ts$', `${SRC}(testing|modules/[^/]+/testing)/`, `${SRC}drivers/conformance(/|\\.ts$)`]

/** `app/`, `app.ts` and the entry points. */
const ROOT = `${SRC}(app/|[^/]+\\.ts$)`

const folder = (name: string) => `${SRC}${name}/`
/** Any value or type of a module. */
const MODULES = folder('modules')
const PORTS = `${SRC}modules/.*\\.ports?\\.ts$`
/** Texts derived from stored codes. */
const TEXTS = `${SRC}modules/.*-text\\.ts$`
const STATES = `${SRC}modules/.*\\.state\\.ts$`
const JOBS = `${SRC}modules/.*\\.jobs\\.ts$`

interface FolderRule {
  /** Paths in `src` that the folder may import besides itself. */
  mayImport: string[]
  /** Paths of which it may import types alone. */
  typesOf?: string[]
}

const FOLDERS: Record<string, FolderRule> = {
  config: { mayImport: ['kernel'].map(folder) },
  kernel: { mayImport: [] },
  modules: { mayImport: ['kernel'].map(folder) },
  trpc: { mayImport: ['kernel'].map(folder), typesOf: [MODULES] },
  routers: { mayImport: ['trpc'].map(folder) },
  http: { mayImport: ['trpc', 'routers', 'kernel'].map(folder), typesOf: [MODULES] },
  drivers: { mayImport: [...['kernel', 'net'].map(folder), `${SRC}modules/printers/printer-driver\\.port\\.ts$`] },
  net: { mayImport: ['kernel'].map(folder) },
  db: { mayImport: [folder('kernel'), PORTS, STATES, TEXTS], typesOf: [MODULES] },
  events: { mayImport: ['kernel'].map(folder) },
  cache: { mayImport: ['kernel'].map(folder) },
  queues: { mayImport: [folder('kernel'), JOBS] },
  adapters: { mayImport: [...['kernel', 'net'].map(folder), PORTS] },
  observability: { mayImport: ['kernel'].map(folder) },
}

const folderRule = ([name, { mayImport, typesOf = [] }]: [string, FolderRule]): Rule[] => {
  const from = { path: folder(name), pathNot: TESTS }
  const known = [folder(name), ...mayImport]
  const comment = `src/${name} may import only what the table of boundaries allows.`
  const forbidden: Rule[] = [
    { name: `folder-${name}`, comment, severity: 'error', from, to: { path: SRC, pathNot: [...known, ...typesOf] } },
  ]
  if (typesOf.length === 0) return forbidden
  return [
    ...forbidden,
    {
      name: `types-only-${name}`,
      comment: `src/${name} knows the modules by their types; values come in through the composition root.`,
      severity: 'error',
      from,
      to: { path: typesOf, pathNot: known, dependencyTypesNot: ['type-only'] },
    },
  ]
}

/** Library → the folders of `src` that may know it. */
const VENDORS: Record<string, { packages: string; folders: string[] }> = {
  prisma: { packages: '@prisma/[^/]+', folders: ['db'] },
  pg: { packages: 'pg', folders: ['db', 'events', 'queues'] },
  bullmq: { packages: 'bullmq', folders: ['queues'] },
  ioredis: { packages: 'ioredis', folders: ['cache', 'events', 'queues'] },
  pino: { packages: '(pino|pino-pretty)', folders: ['observability'] },
  prometheus: { packages: 'prom-client', folders: ['observability'] },
  sentry: { packages: '@sentry/[^/]+', folders: ['observability'] },
  trpc: { packages: '@trpc/[^/]+', folders: ['trpc', 'routers', 'http'] },
  hono: { packages: '(hono|@hono/[^/]+)', folders: ['http'] },
  nodemailer: { packages: 'nodemailer', folders: ['adapters'] },
  busboy: { packages: '@fastify/busboy', folders: ['http'] },
  outbound: { packages: '(undici|ws)', folders: ['net'] },
}

const vendorRule = ([name, { packages, folders }]: [string, (typeof VENDORS)[string]]): Rule => ({
  name: `vendor-${name}`,
  comment: `Known in ${folders.map((folder) => `src/${folder}`).join(', ')} alone, types included.`,
  severity: 'error',
  from: { path: SRC, pathNot: [`${SRC}(${folders.join('|')})/`, ...TESTS] },
  // Resolved to a file, or left as written when it is not installed.
  to: { path: `(^|(^|/)node_modules/(@types/)?)${packages}(/|$)` },
})

const rest: Rule[] = [
  {
    name: 'folder-without-a-row',
    comment: 'A folder of src needs a row in the table of boundaries.',
    severity: 'error',
    from: { path: `${SRC}[^/]+/`, pathNot: [`${SRC}(app|testing|${Object.keys(FOLDERS).join('|')})/`, ...TESTS] },
    to: {},
  },
  {
    name: 'prisma-types',
    comment: "Prisma's generated client is known in src/db alone, types included.",
    severity: 'error',
    from: { path: '^(apps|packages)/', pathNot: [folder('db'), '^apps/server/(test|bench|faults)/', ...TESTS] },
    to: { path: `${SRC}db/generated/` },
  },
  {
    name: 'main',
    comment: 'main.ts reads the config and starts the app.',
    severity: 'error',
    from: { path: `${SRC}main\\.ts$` },
    to: { path: SRC, pathNot: [`${SRC}app(/|\\.ts$)`, folder('config')] },
  },
  {
    name: 'composition-root-is-the-top',
    comment: 'app/ joins everything; it is imported by the entry points beside it, and by tests.',
    severity: 'error',
    from: { path: SRC, pathNot: [ROOT, ...TESTS] },
    to: { path: ROOT },
  },
  {
    name: 'testing-stays-in-tests',
    comment: 'What is made for tests is imported by tests alone, and is left out of the build.',
    severity: 'error',
    from: { path: SRC, pathNot: TESTS },
    to: { path: TESTS },
  },
  {
    name: 'domain-does-no-io',
    comment: 'Files, sockets and processes are reached through ports.',
    severity: 'error',
    from: { path: `${SRC}(kernel|modules)/`, pathNot: TESTS },
    to: { path: '^(node:)?(fs|net|tls|http|http2|https|dgram|dns|child_process|cluster)(/|$)' },
  },
  {
    name: 'packages-know-no-app',
    comment: 'Packages are used by apps, never the other way round.',
    severity: 'error',
    from: { path: '^packages/', pathNot: ['^packages/client-sdk/(scripts|test)/', '\\.test\\.ts$'] },
    to: { path: '^apps/' },
  },
  {
    name: 'packages-stand-alone',
    comment: 'schemas and virtual-printers know no other package of ours.',
    severity: 'error',
    from: { path: '^packages/(schemas|virtual-printers)/' },
    to: { path: '^packages/', pathNot: '^packages/$1/' },
  },
  {
    name: 'no-path-into-another-package',
    comment: 'Another package is imported by its name (@gantry/…); what it exports decides how deep.',
    severity: 'error',
    from: { path: '^((?:apps|packages)/[^/]+)/', pathNot: '^packages/client-sdk/(scripts|test)/' },
    to: { path: '^(apps|packages)/', pathNot: '^$1/', dependencyTypes: ['local'] },
  },
  {
    name: 'no-cycle',
    comment: 'Files that need each other when they load are one file, or lack a third.',
    severity: 'error',
    from: {},
    to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
  },
  {
    name: 'resolvable',
    comment: 'An import that leads nowhere would pass every other rule.',
    severity: 'error',
    from: {},
    to: { couldNotResolve: true },
  },
]

export const importRules: Rule[] = [
  ...Object.entries(FOLDERS).flatMap(folderRule),
  ...Object.entries(VENDORS).map(vendorRule),
  ...rest,
]
