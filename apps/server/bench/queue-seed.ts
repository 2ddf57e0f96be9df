import type { JobRequirements } from '@gantry/schemas'

import { newId } from '../src/kernel/index.js'
import type { Lease } from '../src/modules/printers/printer-session.js'
import type { BenchDatabase } from './bench-database.js'

const OWNER = 'ins_bench'

/** Jobs of one kind that stand in the queue one behind the other. */
export interface QueueStretch {
  jobs: number
  copies: number
  requirements: JobRequirements
}

export const asks = (material: string, widthMm: number): JobRequirements => ({
  ...{ materials: [material], nozzleDiameterMm: 0.4, printerModels: ['MK4'], printerGroupIds: [] },
  sizeMm: { x: widthMm, y: 40, z: 30 },
  fileFormat: 'gcode',
})

/** Printers with PLA, a 0.4 mm nozzle and a clear bed, all leased for an hour. */
export const seedPrinters = async ({ prisma }: BenchDatabase, count: number): Promise<Lease[]> => {
  await prisma.$executeRaw`
    INSERT INTO printer (id, name, kind, url, model, nozzle_diameter_mm, volume_x_mm, volume_y_mm, volume_z_mm)
    SELECT 'prn_' || uuidv7(), 'Printer ' || n, 'octoprint', 'http://printer.test', 'MK4', 0.4, 250, 210, 210
    FROM generate_series(1, ${count}::int) n`
  await prisma.$executeRaw`INSERT INTO printer_material (printer_id, slot, material) SELECT id, 0, 'PLA' FROM printer`
  await prisma.$executeRaw`
    INSERT INTO printer_runtime (printer_id, bed, lease_owner, lease_epoch, lease_until)
    SELECT id, 'clear', ${OWNER}, 1, now() + interval '1 hour' FROM printer`
  const rows = await prisma.printer.findMany({ select: { id: true }, orderBy: { id: 'asc' } })
  return rows.map(({ id }) => ({ printerId: id, owner: OWNER, epoch: 1 }))
}

/** Empties the queue and the printers, and fills the queue anew. */
export const seedQueue = async ({ prisma }: BenchDatabase, stretches: readonly QueueStretch[]): Promise<void> => {
  await prisma.$executeRaw`TRUNCATE print_file, file_version, print_job, print_copy, attempt, event CASCADE`
  await prisma.$executeRaw`UPDATE printer_runtime SET bed = 'clear'`
  const [fileId, versionId] = [newId('file'), newId('fileVersion')]
  await prisma.$executeRaw`INSERT INTO print_file (id, name) VALUES (${fileId}, 'bench.gcode')`
  await prisma.$executeRaw`
    INSERT INTO file_version (id, file_id, number, sha256, size_bytes, format, metadata)
    VALUES (${versionId}, ${fileId}, 1, 'ab', 10, 'gcode', '{"filamentTotal": {"lengthMm": 1000, "weightGrams": 3}}')`
  let before = 0
  for (const { jobs, copies, requirements } of stretches) {
    await prisma.$executeRaw`
      INSERT INTO print_job (id, name, file_version_id, copies, queued_copies, requirements, created_at)
      SELECT 'job_' || uuidv7(), 'Job ' || n, ${versionId}, ${copies}::int, ${copies}::int,
        ${JSON.stringify(requirements)}::jsonb, now() - interval '7 days' + (${before}::int + n) * interval '1 second'
      FROM generate_series(1, ${jobs}::int) n`
    before += jobs
  }
  await prisma.$executeRaw`
    INSERT INTO print_copy (job_id, number) SELECT id, generate_series(1, copies) FROM print_job`
  // What autovacuum does within a minute of such a change.
  await prisma.$executeRawUnsafe('VACUUM ANALYZE')
}
