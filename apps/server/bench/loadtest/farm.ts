import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'

import type { UserRole } from '@gantry/schemas'

import { newId } from '../../src/kernel/index.js'
import { hashPassword } from '../../src/modules/auth/passwords.js'
import type { BenchDatabase } from '../bench-database.js'
import { asks } from '../queue-seed.js'
import type { BenchServer } from '../server-process.js'

export const FARM = { printers: 100, files: 300, projects: 60, jobs: 5_000, alarms: 400 } as const

const SLICED = ['demo-token', 'cura-cube', 'orca-three-filaments', 'prusa-two-tools', 'superslicer-asa']
/** Of the jobs, the newest: so many are being printed, and so many wait. */
const [PRINTING, WAITING] = [40, 200]
const [OPERATORS, VIEWERS] = [4, 7]

/** An admin first, who may read the server's numbers. */
type People = [Person, ...Person[]]

interface Person {
  email: string
  password: string
}

/** A farm that has worked for two months: its history, what it prints now, what waits, and its people. */
export const seedFarm = async (database: BenchDatabase, server: BenchServer): Promise<People> => {
  // What slicers wrote, read by the server itself; the other files are copies of it.
  for (const name of SLICED) await upload(server, `${name}.gcode`)
  await seedPrinters(database)
  await seedLibrary(database)
  await seedJobs(database)
  await seedAlarms(database)
  const people = await seedPeople(database)
  // What autovacuum does within a minute of such a change.
  await database.prisma.$executeRawUnsafe('VACUUM ANALYZE')
  return people
}

const upload = async ({ url, headers }: BenchServer, name: string): Promise<void> => {
  const body = await readFile(new URL(`../../src/modules/files/fixtures/${name}`, import.meta.url))
  const type = { ...headers, 'content-type': 'application/octet-stream' }
  const response = await fetch(`${url}/api/files?name=${name}`, { method: 'POST', headers: type, body })
  if (!response.ok) throw new Error(`the upload of ${name} was answered ${response.status}: ${await response.text()}`)
}

/** Nobody drives them: their hosts do not exist. */
const seedPrinters = async ({ prisma }: BenchDatabase): Promise<void> => {
  await prisma.$executeRaw`
    INSERT INTO printer_group (id, name) SELECT 'grp_' || uuidv7(), 'Room ' || n FROM generate_series(1, 4) n`
  await prisma.$executeRaw`
    INSERT INTO printer (id, name, kind, url, model, nozzle_diameter_mm, volume_x_mm, volume_y_mm, volume_z_mm, group_id)
    SELECT 'prn_' || uuidv7(), 'Printer ' || lpad(n::text, 3, '0'),
      (CASE WHEN n % 2 = 0 THEN 'octoprint' ELSE 'moonraker' END)::printer_kind, 'http://10.0.0.' || n, 'MK4', 0.4,
      250, 210, 210, (SELECT id FROM printer_group WHERE name = 'Room ' || 1 + n % 4)
    FROM generate_series(1, ${FARM.printers}::int) n`
  await prisma.$executeRaw`
    INSERT INTO printer_material (printer_id, slot, material, color_hex)
    SELECT id, slot, (ARRAY['PLA', 'PETG', 'ASA'])[1 + slot % 3], '#FF8000' FROM printer, generate_series(0, 1) slot`
  await prisma.$executeRaw`
    INSERT INTO printer_runtime (printer_id, bed, state, last_seen_at)
    SELECT id, (CASE WHEN name < 'Printer 060' THEN 'occupied' ELSE 'clear' END)::bed_state, 'idle', now() FROM printer`
  await prisma.$executeRaw`
    INSERT INTO hold (id, subject, printer_id, code, params)
    SELECT 'hld_' || uuidv7(), 'printer', id, 'SET_BY_PERSON', '{"note": "New nozzle on Monday"}'
    FROM printer WHERE name > 'Printer 095'`
}

const seedLibrary = async ({ prisma }: BenchDatabase): Promise<void> => {
  await prisma.$executeRaw`
    INSERT INTO print_file (id, name, created_at)
    SELECT 'fil_' || uuidv7(), 'part-' || lpad(n::text, 4, '0') || '.gcode', now() - interval '60 days' + n * interval '4 hours'
    FROM generate_series(1, ${FARM.files - SLICED.length}::int) n`
  await prisma.$executeRaw`
    INSERT INTO file_version (id, file_id, number, sha256, size_bytes, format, metadata, thumbnail_sha256, thumbnail_format)
    SELECT 'fvr_' || uuidv7(), f.id, 1, s.sha256, s.size_bytes, s.format, s.metadata, s.thumbnail_sha256, s.thumbnail_format
    FROM (SELECT id, row_number() OVER () AS n FROM print_file WHERE name LIKE 'part-%') f
    JOIN (SELECT *, row_number() OVER () AS n FROM file_version) s ON s.n = 1 + f.n % ${SLICED.length}::int`
  await prisma.$executeRaw`
    INSERT INTO project (id, name, status, created_at)
    SELECT 'prj_' || uuidv7(), 'Order ' || n, (CASE WHEN n > 50 THEN 'in_progress' ELSE 'done' END)::project_status,
      now() - interval '60 days' + n * interval '1 day'
    FROM generate_series(1, ${FARM.projects}::int) n`
  await prisma.$executeRaw`
    INSERT INTO project_part (id, project_id, name, file_version_id, target_quantity, position)
    SELECT 'prt_' || uuidv7(), p.id, 'Part ' || part, v.id, 40, part
    FROM (SELECT id, row_number() OVER () AS n FROM project) p, generate_series(0, 2) part
    JOIN (SELECT id, row_number() OVER () AS n FROM file_version) v ON true
    WHERE v.n = 1 + (p.n * 3 + part) % ${FARM.files}::int`
}

/** Each belongs to a part and has one to four copies; the last are in print or wait, a few failed, the rest is done. */
const seedJobs = async ({ prisma }: BenchDatabase): Promise<void> => {
  const { jobs, printers } = FARM
  await prisma.$executeRaw`
    INSERT INTO print_job (id, name, file_version_id, project_id, part_id, copies, requirements, state, queued_copies,
      active_copies, done_copies, failed_copies, created_at, finished_at)
    SELECT 'job_' || uuidv7(), 'Job ' || n, p.file_version_id, p.project_id, p.id, copies, ${JSON.stringify(asks('PLA', 60))}::jsonb,
      state::print_job_state, CASE state WHEN 'queued' THEN copies WHEN 'printing' THEN copies - 1 ELSE 0 END,
      CASE state WHEN 'printing' THEN 1 ELSE 0 END, CASE state WHEN 'done' THEN copies ELSE 0 END,
      CASE state WHEN 'failed' THEN copies ELSE 0 END, at, CASE WHEN state IN ('done', 'failed') THEN at + interval '5 hours' END
    FROM (
      SELECT n, 1 + n % 4 AS copies, now() - interval '60 days' + n * (interval '60 days' / ${jobs}::int) AS at,
        CASE WHEN n > ${jobs - WAITING}::int THEN 'queued' WHEN n > ${jobs - WAITING - PRINTING}::int THEN 'printing'
          WHEN n % 50 = 0 THEN 'failed' ELSE 'done' END AS state
      FROM generate_series(1, ${jobs}::int) n) j
    JOIN (SELECT *, row_number() OVER () AS place FROM project_part) p ON p.place = 1 + n % (SELECT count(*) FROM project_part)`
  await prisma.$executeRaw`
    INSERT INTO print_copy (job_id, number, state, attempts)
    SELECT id, number, (CASE WHEN state = 'printing' THEN CASE number WHEN 1 THEN 'active' ELSE 'queued' END
      ELSE state::text END)::print_copy_state, CASE state WHEN 'queued' THEN 0 ELSE 1 END
    FROM print_job, generate_series(1, copies) number`
  await prisma.$executeRaw`
    INSERT INTO attempt (id, job_id, copy_number, printer_id, state, lease_epoch, bed_before, remote_name, claimed_at,
      started_at, ended_at, print_seconds, file_removed_at)
    SELECT 'att_' || uuidv7(), c.job_id, c.number, p.id,
      (CASE c.state WHEN 'done' THEN 'completed' WHEN 'failed' THEN 'failed' ELSE 'printing' END)::attempt_state, 1, 'clear',
      'g' || c.n || '.gcode', c.created_at, c.created_at, c.finished_at, 5400, c.finished_at
    FROM (SELECT copy.*, job.created_at, job.finished_at, row_number() OVER (ORDER BY copy.state, job.created_at) AS n
      FROM print_copy copy JOIN print_job job ON job.id = copy.job_id WHERE copy.state IN ('active', 'done', 'failed')) c
    JOIN (SELECT id, row_number() OVER (ORDER BY name) AS n FROM printer) p ON p.n = 1 + c.n % ${printers}::int`
}

const seedAlarms = async ({ prisma }: BenchDatabase): Promise<void> => {
  await prisma.$executeRaw`
    INSERT INTO alarm (id, code, params, severity, subject_type, subject_id, raised_at, cleared_at)
    SELECT 'alm_' || uuidv7(), 'PRINTER_ERROR', jsonb_build_object('printerId', p.id, 'detail', 'the fan stands still'),
      'warning', 'printer', p.id, now() - interval '60 days' + a * interval '3 hours',
      CASE WHEN a <= ${FARM.alarms - 12}::int THEN now() - interval '50 days' + a * interval '3 hours' END
    FROM generate_series(1, ${FARM.alarms}::int) a
    JOIN (SELECT id, row_number() OVER () AS n FROM printer) p ON p.n = 1 + a % ${FARM.printers}::int`
}

const seedPeople = async ({ prisma }: BenchDatabase): Promise<People> => {
  const password = randomBytes(12).toString('base64url')
  const passwordHash = await hashPassword(password)
  const register = async (role: UserRole, number: number): Promise<Person> => {
    const email = `${role}-${number}@farm.test`
    await prisma.user.create({ data: { id: newId('user'), email, displayName: email, role, passwordHash } })
    return { email, password }
  }
  const several = (role: UserRole, count: number) =>
    Promise.all(Array.from({ length: count }, (_, n) => register(role, n + 1)))
  return [await register('admin', 1), ...(await several('operator', OPERATORS)), ...(await several('viewer', VIEWERS))]
}
