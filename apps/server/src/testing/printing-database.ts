import { randomBytes } from 'node:crypto'

import type { JobRequirements, LoadedMaterial } from '@gantry/schemas'

import { repositoriesFor } from '../db/repositories.js'
import { createUnitOfWork } from '../db/unit-of-work.js'
import { newId, onPrimary } from '../kernel/index.js'
import { claimNext, type ClaimResult } from '../modules/print-jobs/claims.js'
import type { Lease } from '../modules/printers/printer-session.js'
import { openTestDatabase, silentHook } from './open-database.js'

export interface PrinterSeed {
  bed?: 'clear' | 'occupied'
  materials?: string[]
  nozzleDiameterMm?: number | null
}

export interface JobSeed {
  copies?: number
  priority?: number
  requirements?: Partial<JobRequirements>
  partId?: string | null
  projectId?: string | null
}

const ASKS_NOTHING: JobRequirements = {
  ...{ materials: [], nozzleDiameterMm: null, sizeMm: null, printerModels: [], printerGroupIds: [] },
  fileFormat: 'gcode',
}

/** The rows around printing on a database of its own, without any printer, bus or server. */
export const openPrintingDatabase = async () => {
  const database = await openTestDatabase({ poolSize: 8 })
  const { prisma } = database
  const unitOfWork = createUnitOfWork({ prisma, repositoriesFor, hook: silentHook })
  const reads = onPrimary(repositoriesFor(prisma))

  const fileVersion = async (): Promise<string> => {
    const [fileId, id] = [newId('file'), newId('fileVersion')]
    await prisma.printFile.create({ data: { id: fileId, name: `${randomBytes(6).toString('hex')}.gcode` } })
    const metadata = {
      filamentTotal: { lengthMm: 1_000, weightGrams: 3 },
      ...{ filaments: [], nozzleDiametersMm: [], printerModel: null, boundingBox: null },
    }
    const row = { id, fileId, number: 1, format: 'gcode', sizeBytes: 10, sha256: 'ab', metadata }
    await prisma.fileVersion.create({ data: row })
    return id
  }

  /** @returns the lease that `owner` has on the new printer */
  const printer = async (seed: PrinterSeed = {}, owner = 'ins_a'): Promise<Lease> => {
    const id = newId('printer')
    const materials: LoadedMaterial[] = (seed.materials ?? []).map((material, slot) => ({
      ...{ slot, material, colorHex: null },
    }))
    const named = { id, name: id, kind: 'octoprint' as const, url: 'http://printer.test', apiKeyCipher: null }
    const placed = { model: null, groupId: null, locationId: null, buildVolume: null, createdById: 'system' }
    await unitOfWork.run(async (tx) => {
      await tx.printers.create({ ...named, ...placed, materials, nozzleDiameterMm: seed.nozzleDiameterMm ?? null })
      if (seed.bed !== 'occupied') await tx.beds.clear(id, 'system', tx.now)
    })
    return leaseTo(owner, id)
  }

  /** Gives the printer to this owner for a minute, whoever had it. */
  const leaseTo = async (owner: string, printerId: string): Promise<Lease> => {
    const [row] = await prisma.$queryRaw<{ epoch: number }[]>`
      UPDATE printer_runtime
      SET lease_owner = ${owner}, lease_until = now() + interval '1 minute', lease_epoch = lease_epoch + 1
      WHERE printer_id = ${printerId} RETURNING lease_epoch AS epoch`
    if (row === undefined) throw new Error(`there is no printer ${printerId}`)
    const { epoch } = row
    return { printerId, owner, epoch }
  }

  const job = async (seed: JobSeed = {}): Promise<string> => {
    const id = newId('printJob')
    const { copies = 1, priority = 0, partId = null, projectId = null } = seed
    const fileVersionId = await fileVersion()
    const requirements = { ...ASKS_NOTHING, ...seed.requirements }
    await unitOfWork.run(({ printJobs }) =>
      printJobs.create({
        ...{ id, name: id, fileVersionId, projectId, partId, copies, priority, requirements },
        createdById: 'system',
      }),
    )
    return id
  }

  /** A project of one part. */
  const part = async (targetQuantity: number): Promise<{ projectId: string; partId: string }> => {
    const [projectId, partId] = [newId('project'), newId('projectPart')]
    await prisma.project.create({ data: { id: projectId, name: projectId } })
    const fileVersionId = await fileVersion()
    await prisma.projectPart.create({
      data: { id: partId, projectId, name: 'part', fileVersionId, targetQuantity, position: 0 },
    })
    return { projectId, partId }
  }

  const claim = (lease: Lease): Promise<ClaimResult> => claimNext(unitOfWork, lease)

  /** Claims, and fails the test when nothing was claimed. @returns the attempt's id */
  const claimed = async (lease: Lease): Promise<string> => {
    const result = await claim(lease)
    if (result.kind !== 'claimed') throw new Error(`not claimed: ${result.kind}`)
    return result.attemptId
  }

  return { database, prisma, unitOfWork, reads, printer, leaseTo, job, part, claim, claimed }
}
