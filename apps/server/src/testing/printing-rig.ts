import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

import { createFleet, type Fleet as VirtualFleet, type FleetOptions, type FleetPrinter } from '@gantry/virtual-printers'
import type { JobRequirements, PrintFileMetadata } from '@gantry/schemas'

import { databaseConfig } from './database-config.js'
import { FLEET_ROLE_TIMINGS, startFleetRole, type FleetRoleTimings } from '../app/fleet-role.js'
import { openPersistence, type Persistence } from '../app/persistence.js'
import { createDriverRegistry } from '../drivers/registry.js'
import { followEvents } from '../events/follow-events.js'
import { Lifecycle, newId, NO_TRACER, SYSTEM_ACTOR, systemClock, type Logger } from '../kernel/index.js'
import { AttemptLedger } from '../modules/print-jobs/attempt-ledger.js'
import { AttemptsService } from '../modules/print-jobs/attempts.service.js'
import { DispatchService } from '../modules/print-jobs/dispatch.service.js'
import { PrintJobsService } from '../modules/print-jobs/print-jobs.service.js'
import type { UploadSource } from '../modules/printers/printer-driver.port.js'
import { StatusBoard } from '../modules/printers/status-board.js'
import { createConnector } from '../net/connector.js'
import { createLogger } from '../observability/logger.js'
import { createMetrics } from '../observability/metrics.js'
import { createTestDatabase } from './database.js'

const TOKEN = new URL('../modules/files/fixtures/demo-token.gcode', import.meta.url)
export const PRISMA_FOLDER = new URL('../../../../prisma', import.meta.url).pathname

/** Waits short enough for tests, in the proportions of the real ones. */
export const QUICK_TIMINGS: FleetRoleTimings = {
  leases: { ...FLEET_ROLE_TIMINGS.leases, renewEveryMs: 500 },
  supervisor: { connectMs: 5_000, retryFromMs: 100, retryToMs: 1_000, probeMs: 5_000, lostAfterMs: 1_500 },
  conduct: {
    ...FLEET_ROLE_TIMINGS.conduct,
    askMs: 3_000,
    confirmMs: 3_000,
    settleMs: 500,
    rereadMs: 200,
    unknownRetryMs: 500,
  },
}

export interface PrintingRig extends AsyncDisposable {
  persistence: Persistence
  virtual: VirtualFleet
  /** Registers every virtual printer, with PLA and a 0.4 mm nozzle, its bed cleared. @returns ids by name */
  registerAll(): Promise<Map<string, string>>
  /** Orders copies of the fixture file. @returns the job's id */
  order(copies: number, requirements?: Partial<JobRequirements>): Promise<string>
  /** What a person does at the printer and in Gantry. */
  clearBed(name: string): Promise<void>
  /** What `printJobs.cancel` does. */
  cancel(jobId: string): Promise<void>
  /** Why things wait, and what would start where. */
  dispatch: DispatchService
  /** What `attempts.reassign` does. */
  reassign(attemptId: string, toPrinterId: string | null): Promise<void>
  /** Stops the fleet role as a shutdown does. */
  stop(): Promise<void>
  /** Starts it again as another instance. */
  start(): Promise<void>
  restart(): Promise<void>
  /** Waits until `look` gives something. @throws Error with the last look after `withinMs` */
  eventually<T>(look: () => Promise<T | null | undefined | false>, withinMs?: number): Promise<T>
}

export const quietLog = (): Logger => createLogger({ level: 'silent' })

/** A real fleet role on a real database against virtual printers on real sockets; only HTTP is missing. */
export const createPrintingRig = async (fleet: FleetOptions, log: Logger = quietLog()): Promise<PrintingRig> => {
  const rig = await createIdleRig(fleet, log)
  await rig.start()
  return rig
}

/** The same, and nobody drives the printers yet. */
export const createIdleRig = async (fleet: FleetOptions, log: Logger = quietLog()): Promise<PrintingRig> => {
  const database = await createTestDatabase()
  const virtual = await createFleet({ speed: 2_000, ...fleet })
  const lifecycle = new Lifecycle(log)
  const config = { dataDir: '', database: databaseConfig(database.url, 8) }
  const persistence = await openPersistence({
    config,
    prismaFolder: PRISMA_FOLDER,
    instanceId: newId('instance'),
    log,
    lifecycle,
  })
  const rig = new Rig(persistence, virtual, log)
  return Object.assign(rig, {
    async [Symbol.asyncDispose]() {
      await rig.stop()
      await rig.board.stop()
      await lifecycle.stop()
      await virtual.stop()
      await database.drop()
    },
  })
}

class Rig {
  readonly dispatch: DispatchService
  readonly board: StatusBoard
  private role: Lifecycle
  private readonly ids = new Map<string, string>()

  constructor(
    readonly persistence: Persistence,
    readonly virtual: VirtualFleet,
    private readonly log: Logger,
  ) {
    this.role = new Lifecycle(log)
    this.board = new StatusBoard(persistence.bus, systemClock)
    this.board.start()
    this.dispatch = new DispatchService({ database: persistence.unitOfWork, board: this.board })
  }

  async start(): Promise<void> {
    const connector = createConnector({ allowedCidrs: [], allowLoopback: true })
    const registry = createDriverRegistry(connector)
    this.role = new Lifecycle(this.log)
    this.role.onStop('connector', () => connector.close())
    const { unitOfWork, reads, leases, bus } = this.persistence
    const role = await startFleetRole({
      metrics: createMetrics({ enabled: false }),
      ...{ unitOfWork, reads, leases, bus, log: this.log, timings: QUICK_TIMINGS, heaterOnMs: 900_000 },
      tracer: NO_TRACER,
      drivers: { driverFor: (kind) => registry[kind] },
      sealer: { seal: (plain) => plain, open: (cipher) => cipher },
      openFile: tokenSource,
      instanceId: newId('instance'),
      clock: systemClock,
      random: Math.random,
    })
    this.role.onStop('fleet', () => role.stop())
  }

  stop(): Promise<void> {
    return this.role.stop()
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  async registerAll(): Promise<Map<string, string>> {
    for (const printer of this.virtual.printers) this.ids.set(printer.name, await this.register(printer))
    return this.ids
  }

  async clearBed(name: string): Promise<void> {
    this.virtual.clearBed(name)
    const printerId = this.ids.get(name) ?? ''
    await this.persistence.unitOfWork.run(async (tx) => {
      await tx.beds.clear(printerId, 'system', tx.now)
      tx.record(
        {
          type: 'printer.bed_changed',
          subjectType: 'printer',
          subjectId: printerId,
          payload: { printerId, bed: 'clear' },
        },
        'system',
      )
    })
  }

  async order(copies: number, requirements: Partial<JobRequirements> = {}): Promise<string> {
    const fileVersionId = await this.storeFile()
    const id = newId('printJob')
    const asked = {
      materials: ['PLA'],
      nozzleDiameterMm: 0.4,
      sizeMm: null,
      printerModels: [],
      printerGroupIds: [],
      fileFormat: 'gcode' as const,
      ...requirements,
    }
    const job = {
      id,
      name: 'tokens',
      fileVersionId,
      projectId: null,
      partId: null,
      copies,
      priority: 0,
      requirements: asked,
    }
    await this.persistence.unitOfWork.run(async (tx) => {
      await tx.printJobs.create({ ...job, createdById: 'system' })
      tx.record(
        { type: 'print_job.created', subjectType: 'print_job', subjectId: id, payload: { jobId: id } },
        'system',
      )
    })
    return id
  }

  async cancel(jobId: string): Promise<void> {
    const { unitOfWork, reads, lists, bus, eventLog } = this.persistence
    const follow = (cursor: string | null, signal: AbortSignal) => followEvents(bus, eventLog, cursor, signal)
    await new PrintJobsService({ unitOfWork, reads, lists, bus, follow }).cancel(SYSTEM_ACTOR, jobId)
  }

  async reassign(attemptId: string, toPrinterId: string | null): Promise<void> {
    const { unitOfWork, reads, bus } = this.persistence
    const ledger = new AttemptLedger(unitOfWork, reads)
    await new AttemptsService({ reads, ledger, bus }).reassign(SYSTEM_ACTOR, attemptId, toPrinterId)
  }

  async eventually<T>(look: () => Promise<T | null | undefined | false>, withinMs = 20_000): Promise<T> {
    const until = Date.now() + withinMs
    for (;;) {
      const seen = await look()
      if (seen !== null && seen !== undefined && seen !== false) return seen
      if (Date.now() > until) throw new Error(`not seen within ${withinMs} ms`)
      await sleep(50)
    }
  }

  private async register({ name, kind, url, apiKey }: FleetPrinter): Promise<string> {
    const id = newId('printer')
    await this.persistence.unitOfWork.run(async (tx) => {
      await tx.printers.create({
        ...{ id, name, kind, url, apiKeyCipher: apiKey, model: null, groupId: null, locationId: null },
        nozzleDiameterMm: 0.4,
        buildVolume: { xMm: 250, yMm: 210, zMm: 210 },
        materials: [{ slot: 0, material: 'PLA', colorHex: null }],
        createdById: 'system',
      })
      await tx.beds.clear(id, 'system', tx.now)
      tx.record(
        { type: 'printer.created', subjectType: 'printer', subjectId: id, payload: { printerId: id } },
        'system',
      )
    })
    return id
  }

  private async storeFile(): Promise<string> {
    const content = await readFile(TOKEN)
    const { prisma } = this.persistence.database
    const fileId = newId('file')
    const id = newId('fileVersion')
    await prisma.printFile.create({ data: { id: fileId, name: `${randomBytes(4).toString('hex')}.gcode` } })
    const filamentTotal: PrintFileMetadata['filamentTotal'] = { lengthMm: 1_000, weightGrams: 3 }
    await prisma.fileVersion.create({
      data: {
        ...{ id, fileId, number: 1, format: 'gcode', sizeBytes: content.length },
        sha256: sha256(content),
        metadata: { filamentTotal },
      },
    })
    return id
  }
}

const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex')

/** The fixture file, by its digest. */
export const tokenSource = async (digest: string, sizeBytes: number): Promise<UploadSource | null> => {
  const content = await readFile(TOKEN)
  if (sha256(content) !== digest) return null
  return { sizeBytes, sha256: digest, open: () => createReadStream(TOKEN) }
}
