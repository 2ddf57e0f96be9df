import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'

import { createExportInput, type ExportKind, type UserRole } from '@gantry/schemas'

import { LocalExportStorage } from '../adapters/file-storage/local-export-storage.js'
import { PrismaExportTables } from '../db/export-tables.js'
import { repositoriesFor } from '../db/repositories.js'
import { createUnitOfWork } from '../db/unit-of-work.js'
import { inRole, newId, onPrimary, systemClock, unchangingKeys, type Actor } from '../kernel/index.js'
import { DownloadLinks } from '../modules/exports/download-links.js'
import { ExportRunner, type ExportRunnerDeps } from '../modules/exports/export-runner.js'
import { ExportsService } from '../modules/exports/exports.service.js'
import type { ExportTables } from '../modules/exports/exports.ports.js'
import { sweepExports } from '../modules/exports/sweep-exports.js'
import { openTestDatabase, silentHook } from './open-database.js'
import { recordingLogger } from './recording-logger.js'

/** The exports module on a database and in a folder of its own. */
export const openExports = async () => {
  const database = await openTestDatabase({ poolSize: 8 })
  const { prisma } = database
  const dataDir = await mkdtemp(join(tmpdir(), 'gantry-exports-'))
  const storage = new LocalExportStorage({ dataDir, reserveBytes: 0 })
  const unitOfWork = createUnitOfWork({ prisma, repositoriesFor, hook: silentHook })
  const reads = onPrimary(repositoriesFor(prisma))
  const log = recordingLogger()
  const clock = systemClock
  const tables = new PrismaExportTables(prisma, 'Europe/Berlin')
  const links = new DownloadLinks(unchangingKeys(new Uint8Array(32)), clock)
  const exports = new ExportsService({ unitOfWork, reads, storage, links, log })
  const runner = (overrides: Partial<ExportRunnerDeps> = {}) =>
    new ExportRunner({ ...{ unitOfWork, reads, tables, storage, clock, log, reportMs: 0 }, ...overrides })

  const addUser = async (role: UserRole = 'operator'): Promise<Actor> => {
    const id = newId('user')
    const secrets = { passwordHash: `secret-password-${id}` }
    await prisma.user.create({ data: { id, email: `${id}@example.org`, displayName: '=cmd()', role, ...secrets } })
    return {
      kind: 'user',
      id,
      ...inRole(role),
      sessionId: null,
      apiKeyId: null,
      scope: { printerGroups: 'all', projects: 'all' },
    }
  }
  const addProjects = async (user: Actor, count: number) => {
    const rows = Array.from({ length: count }, (_, n) => ({ id: newId('project'), name: `Project ${n}` }))
    await prisma.project.createMany({ data: rows })
    await prisma.projectMember.createMany({
      data: rows.map(({ id }) => ({ projectId: id, userId: user.id, role: 'owner' as const })),
    })
  }
  const order = async (user: Actor, kind: ExportKind, more: { format?: 'csv'; scope?: 'farm' } = {}) => {
    const { id } = await exports.create(user, createExportInput.parse({ kind, ...more }))
    const { jobId } = await prisma.dataExport.findUniqueOrThrow({ where: { id } })
    return { id, jobId }
  }
  const run = (job: { id: string; jobId: string }, options: RunOptions = {}) => {
    const { attempt = 1, signal = new AbortController().signal, ...overrides } = options
    return runner(overrides).handle({ jobId: job.jobId, payload: { exportId: job.id }, attempt, attempts: 3, signal })
  }
  const filesIn = async () => {
    const entries = await readdir(join(dataDir, 'exports'), { recursive: true, withFileTypes: true }).catch(() => [])
    return entries.filter((entry) => entry.isFile()).map(({ name }) => name)
  }
  const content = async (user: Actor, id: string): Promise<Buffer> => {
    const { downloadUrl } = await exports.get(user, id)
    const { searchParams } = new URL(downloadUrl ?? '', 'http://localhost')
    const of = (name: string) => searchParams.get(name) ?? ''
    const link = { exportId: id, userId: of('user'), expires: of('expires'), signature: of('signature') }
    const download = await exports.download(link)
    return buffer(await download.open())
  }
  return {
    ...{
      prisma,
      dataDir,
      storage,
      unitOfWork,
      tables,
      exports,
      runner,
      addUser,
      addProjects,
      order,
      run,
      filesIn,
      content,
    },
    sweep: (nowMs = Date.now()) =>
      sweepExports({ unitOfWork, storage, clock: { now: () => nowMs } }, new AbortController().signal),
    [Symbol.asyncDispose]: async () => {
      await database[Symbol.asyncDispose]()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

interface RunOptions extends Partial<ExportRunnerDeps> {
  attempt?: number
  signal?: AbortSignal
}

/** Tables that hold still before each page until the test lets them go. */
export const gated = (tables: ExportTables) => {
  let release: () => void = () => undefined
  let arrived: () => void = () => undefined
  const atGate = new Promise<void>((resolve) => (arrived = resolve))
  const opened = new Promise<void>((resolve) => (release = resolve))
  const page: ExportTables['page'] = async (...args) => {
    arrived()
    await opened
    return tables.page(...args)
  }
  const held: ExportTables = {
    names: (...args) => tables.names(...args),
    columns: (...args) => tables.columns(...args),
    count: (...args) => tables.count(...args),
    page,
  }
  return { held, atGate, release: () => release() }
}
