import { AesGcmSealer } from '../adapters/secrets/aes-gcm-sealer.js'
import { keptKeys, keysSince, newKey, replaceKeys } from '../adapters/secrets/key-file.js'
import { loadSecrets, type Secrets } from '../adapters/secrets/load-secrets.js'
import type { Config } from '../config/config.js'
import { createDatabase } from '../db/client.js'
import { startEmbeddedPostgres } from '../db/embedded/embedded-postgres.js'
import { PrismaSealedRows } from '../db/sealed-rows.js'
import type { Logger } from '../kernel/index.js'
import { resealEnd } from '../modules/audit/end-of-chain.js'
import { Seals } from '../modules/audit/seals.js'
import { reseal, type ResealOptions, type SpotReport } from '../modules/secrets/reseal.js'
import type { SealedRows } from '../modules/secrets/secrets.ports.js'
import { openAuditChain, type AuditChain } from './audit-chain.js'

const USAGE = `Usage: npm run secrets:rotate [-- OPTION]
              seal everything anew with the current key; with a key file, make a new key first
  --check     look whether anything still needs a key of before, and change nothing
  --forget    remove the keys of before from the key file, when nothing needs them`

export interface RotateCommand {
  /** The words after the program's name. */
  arguments: string[]
  config: Pick<Config, 'auth' | 'dataDir' | 'database'>
  print: (line: string) => void
  log: Logger
}

/** So long a server may hold what it sealed before the file changed and has not stored yet. */
const KEPT_FOR_MS = 5 * 60_000
const MAX_NAMED = 20

interface Rotation extends RotateCommand {
  rows: SealedRows
  audit: AuditChain
}

/**
 * @returns the exit code: 0 when all is under the current key; 1 when something is not, or cannot be opened; 2 for a
 * command that does not exist
 */
export const runRotateCommand = async (command: RotateCommand): Promise<number> => {
  const [name = 'rotate', ...rest] = command.arguments
  const action = rest.length === 0 ? ACTIONS.get(name) : undefined
  if (action === undefined) {
    command.print(USAGE)
    return 2
  }
  return withDatabase(command, (opened) => action({ ...command, ...opened }))
}

const withDatabase = async (
  { config: { dataDir, database }, log }: RotateCommand,
  work: (opened: Pick<Rotation, 'rows' | 'audit'>) => Promise<number>,
): Promise<number> => {
  const embedded = database.url === null ? await startEmbeddedPostgres({ dataDir, log }) : null
  const url = database.url ?? embedded?.url ?? ''
  const opened = createDatabase({
    ...{ url, poolSize: 2, timeoutMs: database.timeoutMs, log, applicationName: 'gantry secrets:rotate' },
  })
  try {
    return await work({ rows: new PrismaSealedRows(opened.prisma), audit: openAuditChain(opened) })
  } finally {
    await opened.close()
    await embedded?.stop()
  }
}

const secretsOf = ({ config: { dataDir, auth } }: RotateCommand): Promise<Secrets> => loadSecrets({ dataDir, ...auth })

/** Of two who begin at once both go on with the same new key. */
const beginInFile = async ({ rows, print }: Rotation, path: string): Promise<void> =>
  rows.alone(async () => {
    const [current, ...previous] = await keptKeys(path)
    if (previous.length > 0) {
      print(`${path} holds a key of before: that rotation is gone on with.`)
      return
    }
    await replaceKeys(path, [newKey(), current])
    print(`${path} holds a new key; the one before stays in it until --forget.`)
  })

const rotate = async (rotation: Rotation): Promise<number> => {
  const { rows, print } = rotation
  const { keyFile } = await secretsOf(rotation)
  if (keyFile !== null) await beginInFile(rotation, keyFile)
  const onPage = (spot: string, count: number) => print(`${spot}: ${count} rows`)
  return tell(await resealAll(rotation, { rows, write: true, onPage }), print)
}

/** What is sealed in rows, and the end of the audit log. */
const resealAll = async (rotation: Rotation, options: Omit<ResealOptions, 'sealer'>): Promise<SpotReport[]> => {
  const { sealingKeys, auditKeys } = await secretsOf(rotation)
  const reports = await reseal({ ...options, sealer: new AesGcmSealer(sealingKeys) })
  const end = await resealEnd(rotation.audit.unitOfWork, new Seals(auditKeys), options.write)
  const spot = 'audit_chain.seal'
  const counts = { current: 0, resealed: 0, left: 0, ...(end !== 'lost' && { [end]: 1 }) }
  return [...reports, { spot, rows: 1, ...counts, lost: end === 'lost' ? ['(the end of the audit log)'] : [] }]
}

const check = async (rotation: Rotation): Promise<number> =>
  tell(await resealAll(rotation, { rows: rotation.rows, write: false }), rotation.print)

const forget = async (rotation: Rotation): Promise<number> => {
  const { rows, print } = rotation
  const { keyFile } = await secretsOf(rotation)
  if (keyFile === null) {
    print('The keys come from the environment: take the old one out of GANTRY_SECRET_KEY_PREVIOUS.')
    return 1
  }
  const code = await check(rotation)
  if (code !== 0) return code
  return rows.alone(async () => {
    const [current, ...previous] = await keptKeys(keyFile)
    const waitMs = (await keysSince(keyFile)).getTime() + KEPT_FOR_MS - Date.now()
    if (previous.length > 0 && waitMs > 0) {
      print(
        `The key is too new: a server may be about to store what the one before sealed. Again in ${seconds(waitMs)}.`,
      )
      return 1
    }
    if (previous.length > 0) await replaceKeys(keyFile, [current])
    print(`${keyFile} holds the current key alone.`)
    return 0
  })
}

const seconds = (ms: number): string => `${Math.ceil(ms / 1_000)} s`

const ACTIONS = new Map<string, (rotation: Rotation) => Promise<number>>([
  ['rotate', rotate],
  ['--check', check],
  ['--forget', forget],
])

const HEAD = ['where', 'rows', 'current', 'sealed anew', 'left', 'cannot be opened']

const tell = (reports: SpotReport[], print: (line: string) => void): number => {
  const cells = reports.map(({ spot, rows, current, resealed, left, lost }) =>
    [spot, rows, current, resealed, left, lost.length].map(String),
  )
  const widths = HEAD.map((head, n) => Math.max(head.length, ...cells.map((row) => row[n]?.length ?? 0)))
  for (const row of [HEAD, ...cells]) {
    print(row.map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0))).join('  '))
  }
  for (const { spot, lost } of reports) {
    for (const key of lost.slice(0, MAX_NAMED)) print(`${spot} ${key} cannot be opened with any key that is known.`)
    if (lost.length > MAX_NAMED) print(`${spot}: and ${lost.length - MAX_NAMED} more.`)
  }
  const open = reports.reduce((sum, { left, lost }) => sum + left + lost.length, 0)
  print(open === 0 ? 'Everything is under the current key.' : `${open} are not under the current key.`)
  return open === 0 ? 0 : 1
}
