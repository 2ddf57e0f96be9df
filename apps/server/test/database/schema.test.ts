import path from 'node:path'

import {
  ACTIVE_ATTEMPT_STATES,
  alarmSeverity,
  attemptState,
  bedState,
  exportState,
  emailState,
  ID_PREFIXES,
  printerCommandState,
  printerKind,
  printJobState,
  projectStatus,
  userRole,
  webhookDeliveryState,
} from '@gantry/schemas'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { deploy, drift, status } from '../../src/db/migrate/migrations.js'
import { createTestDatabase, type TestDatabase } from '../../src/testing/database.js'

const prismaFolder = path.resolve(import.meta.dirname, '../../../../prisma')

let database: TestDatabase
let client: pg.Client

beforeAll(async () => {
  database = await createTestDatabase({ empty: true })
  await deploy({ databaseUrl: database.url, prismaFolder })
  client = new pg.Client({ connectionString: database.url })
  await client.connect()
})

afterAll(async () => {
  await client.end()
  await database.drop()
})

const rows = async <T extends pg.QueryResultRow>(sql: string) => (await client.query<T>(sql)).rows

describe('schema.prisma and the migrations', () => {
  it('agree: a fresh deploy leaves no drift and nothing to apply', async () => {
    const options = { databaseUrl: database.url, prismaFolder }
    expect(await drift(options)).toBeNull()
    expect(await status(options)).toEqual({ pending: [], unresolved: [], edited: [], unknown: [] })
  })
})

/** As PostgreSQL writes it down: `= ANY (ARRAY[…])` of enum values. */
const stateIn = (states: readonly string[]) =>
  `(state = ANY (ARRAY[${states.map((state) => `'${state}'::attempt_state`).join(', ')}]))`

/** Partial unique index → its columns and its predicate. What is not listed here must not exist. */
const PARTIAL_UNIQUE: Record<string, [columns: string, predicate: string]> = {
  attempt_one_active_per_printer: ['attempt USING btree (printer_id)', stateIn(ACTIVE_ATTEMPT_STATES)],
  attempt_one_active_per_copy: ['attempt USING btree (job_id, copy_number)', stateIn(ACTIVE_ATTEMPT_STATES)],
  attempt_completed_once_per_copy: [
    'attempt USING btree (job_id, copy_number)',
    "(state = 'completed'::attempt_state)",
  ],
  alarm_one_open_per_code_and_subject: ['alarm USING btree (code, subject_type, subject_id)', '(cleared_at IS NULL)'],
  hold_one_open_per_printer_and_code: [
    'hold USING btree (printer_id, code)',
    '((released_at IS NULL) AND (printer_id IS NOT NULL))',
  ],
  hold_one_open_per_job_and_code: [
    'hold USING btree (job_id, code)',
    '((released_at IS NULL) AND (job_id IS NOT NULL))',
  ],
  printer_name_in_use: ['printer USING btree (lower(name))', '(removed_at IS NULL)'],
  print_file_name_in_use: ['print_file USING btree (lower(name))', '(removed_at IS NULL)'],
  outbox_deduplication: ['outbox USING btree (type, deduplication_id)', '(deduplication_id IS NOT NULL)'],
}

it('has exactly the partial unique indexes that make printing and ordering safe, by their columns and predicates', async () => {
  const found = await rows<{ name: string; definition: string }>(
    `SELECT c.relname AS name, pg_get_indexdef(i.indexrelid) AS definition
     FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE i.indisunique AND i.indpred IS NOT NULL AND i.indisvalid AND n.nspname = 'public'`,
  )
  expect(Object.fromEntries(found.map(({ name, definition }) => [name, definition]))).toEqual(
    Object.fromEntries(
      Object.entries(PARTIAL_UNIQUE).map(([name, [columns, predicate]]) => [
        name,
        `CREATE UNIQUE INDEX ${name} ON public.${columns} WHERE ${predicate}`,
      ]),
    ),
  )
})

const printer = (id: string, name = id, removedAt = 'NULL') =>
  `INSERT INTO printer (id, name, kind, url, removed_at) VALUES ('${id}', '${name}', 'octoprint', 'http://p', ${removedAt})`
const file = (id: string, name = id, removedAt = 'NULL') =>
  `INSERT INTO print_file (id, name, removed_at) VALUES ('${id}', '${name}', ${removedAt})`
const job = (id: string, counts: Partial<Record<'copies' | 'queued' | 'done', number>> = {}) =>
  `INSERT INTO print_job (id, name, file_version_id, copies, queued_copies, done_copies, requirements)
   VALUES ('${id}', 'job', 'fvr_1', ${counts.copies ?? 2}, ${counts.queued ?? 2}, ${counts.done ?? 0}, '{}')`
const version = `INSERT INTO file_version (id, file_id, number, sha256, size_bytes, format, metadata)
   VALUES ('fvr_1', 'fil_1', 1, 'x', 1, 'gcode', '{}')`
const attempt = (id: string, printerId: string, jobId: string, copyNumber: number, state: string) =>
  `INSERT INTO attempt (id, job_id, copy_number, printer_id, state, lease_epoch, bed_before, remote_name)
   VALUES ('${id}', '${jobId}', ${copyNumber}, '${printerId}', '${state}', 1, 'clear', '${id}.gcode')`
const alarm = (id: string, subjectId: string, clearedAt = 'NULL') =>
  `INSERT INTO alarm (id, code, params, severity, subject_type, subject_id, cleared_at)
   VALUES ('${id}', 'PRINTER_LOST', '{}', 'warning', 'printer', '${subjectId}', ${clearedAt})`
const hold = (id: string, subject: string, printerId: string, jobId: string, releasedAt = 'NULL') =>
  `INSERT INTO hold (id, subject, printer_id, job_id, code, params, released_at)
   VALUES ('${id}', '${subject}', ${printerId}, ${jobId}, 'PRINT_FAILED', '{}', ${releasedAt})`
const user = (id: string, email: string) =>
  `INSERT INTO app_user (id, email, display_name, password_hash, role) VALUES ('${id}', '${email}', 'x', 'x', 'viewer')`
const part = (target: number, completed: number) =>
  `INSERT INTO project_part (id, project_id, name, file_version_id, target_quantity, completed_quantity, position)
   VALUES ('prt_${target}_${completed}', 'prj_1', 'part', 'fvr_1', ${target}, ${completed}, 0)`

const WORLD = [
  printer('prn_1'),
  printer('prn_2'),
  file('fil_1'),
  version,
  job('job_1'),
  job('job_2'),
  `INSERT INTO project (id, name) VALUES ('prj_1', 'project')`,
]

/** The constraint by which the database refuses the last statement, null when it takes all. Leaves nothing behind. */
async function refusal(...statements: string[]): Promise<string | null> {
  const last = statements.pop() ?? ''
  await client.query('BEGIN')
  try {
    for (const statement of [...WORLD, ...statements]) await client.query(statement)
    try {
      await client.query(last)
      return null
    } catch (error) {
      if (error instanceof pg.DatabaseError) return error.constraint ?? error.message
      throw error
    }
  } finally {
    await client.query('ROLLBACK')
  }
}

describe('the database refuses', () => {
  it.each(ACTIVE_ATTEMPT_STATES)(
    'a second active attempt beside one that is %s: on its printer, on its copy',
    async (state) => {
      const first = attempt('att_1', 'prn_1', 'job_1', 1, state)
      const onPrinter = attempt('att_2', 'prn_1', 'job_2', 1, 'claimed')
      const onCopy = attempt('att_2', 'prn_2', 'job_1', 1, 'claimed')
      expect(await refusal(first, onPrinter)).toBe('attempt_one_active_per_printer')
      expect(await refusal(first, onCopy)).toBe('attempt_one_active_per_copy')
      expect(await refusal(first, attempt('att_2', 'prn_2', 'job_1', 2, 'claimed'))).toBeNull()
    },
  )

  it.each(attemptState.options.filter((state) => !(ACTIVE_ATTEMPT_STATES as readonly string[]).includes(state)))(
    'nothing once the attempt is %s',
    async (state) => {
      const next = attempt('att_2', 'prn_1', 'job_1', 1, 'claimed')
      expect(await refusal(attempt('att_1', 'prn_1', 'job_1', 1, state), next)).toBeNull()
    },
  )

  it('a copy that is completed twice, and a remote name used twice', async () => {
    const first = attempt('att_1', 'prn_1', 'job_1', 1, 'completed')
    const again = attempt('att_2', 'prn_2', 'job_1', 1, 'completed')
    expect(await refusal(first, again)).toBe('attempt_completed_once_per_copy')
    const sameName = attempt('att_2', 'prn_2', 'job_1', 2, 'claimed').replace('att_2.gcode', 'att_1.gcode')
    expect(await refusal(first, sameName)).toBe('attempt_remote_name_key')
  })

  it('a second open alarm of one code and subject, not one after the first was cleared', async () => {
    expect(await refusal(alarm('alm_1', 'prn_1'), alarm('alm_2', 'prn_1'))).toBe('alarm_one_open_per_code_and_subject')
    expect(await refusal(alarm('alm_1', 'prn_1'), alarm('alm_2', 'prn_2'))).toBeNull()
    expect(await refusal(alarm('alm_1', 'prn_1', 'now()'), alarm('alm_2', 'prn_1'))).toBeNull()
  })

  it('a second open hold of one reason and subject, not one after the first was released', async () => {
    const onPrinter = (id: string, releasedAt?: string) => hold(id, 'printer', "'prn_1'", 'NULL', releasedAt)
    const onJob = (id: string, releasedAt?: string) => hold(id, 'print_job', 'NULL', "'job_1'", releasedAt)
    expect(await refusal(onPrinter('hld_1'), onPrinter('hld_2'))).toBe('hold_one_open_per_printer_and_code')
    expect(await refusal(onJob('hld_1'), onJob('hld_2'))).toBe('hold_one_open_per_job_and_code')
    expect(await refusal(onPrinter('hld_1', 'now()'), onPrinter('hld_2'))).toBeNull()
    expect(await refusal(onJob('hld_1', 'now()'), onJob('hld_2'))).toBeNull()
    expect(await refusal(onPrinter('hld_1'), onJob('hld_2'))).toBeNull()
  })

  it('a name in use, in whatever case, and gives it free with its owner', async () => {
    expect(await refusal(printer('prn_3', 'Voron'), printer('prn_4', 'VORON'))).toBe('printer_name_in_use')
    expect(await refusal(printer('prn_3', 'Voron', 'now()'), printer('prn_4', 'VORON'))).toBeNull()
    expect(await refusal(file('fil_3', 'a.gcode'), file('fil_4', 'A.gcode'))).toBe('print_file_name_in_use')
    expect(await refusal(file('fil_3', 'a.gcode', 'now()'), file('fil_4', 'A.gcode'))).toBeNull()
  })

  it('copies that do not add up, or are negative', async () => {
    expect(await refusal(job('job_3', { copies: 3 }))).toBe('print_job_copies_add_up')
    expect(await refusal(job('job_3', { copies: 2, queued: 3, done: -1 }))).toBe('print_job_copies_add_up')
    expect(await refusal(`UPDATE print_job SET done_copies = 1 WHERE id = 'job_1'`)).toBe('print_job_copies_add_up')
    expect(await refusal(job('job_3', { copies: 3, queued: 1, done: 2 }))).toBeNull()
  })

  it('a part of which nothing, or less than nothing, is wanted or done', async () => {
    expect(await refusal(part(0, 0))).toBe('project_part_quantities')
    expect(await refusal(part(1, -1))).toBe('project_part_quantities')
    expect(await refusal(part(1, 2))).toBeNull()
  })

  it('a hold that does not name its subject, or names two', async () => {
    expect(await refusal(hold('hld_1', 'printer', 'NULL', "'job_1'"))).toBe('hold_names_its_subject')
    expect(await refusal(hold('hld_1', 'print_job', "'prn_1'", 'NULL'))).toBe('hold_names_its_subject')
    expect(await refusal(hold('hld_1', 'printer', "'prn_1'", "'job_1'"))).toBe('hold_names_its_subject')
  })

  it('an e-mail address that is not in lower case, or is taken', async () => {
    expect(await refusal(user('usr_1', 'Ada@example.org'))).toBe('app_user_email_lower_case')
    expect(await refusal(user('usr_1', 'ada@example.org'), user('usr_2', 'ada@example.org'))).toBe('app_user_email_key')
  })
})

describe('every table', () => {
  const columns = () =>
    rows<{ table: string; column: string; type: string; nullable: string }>(
      `SELECT table_name AS table, column_name AS column, data_type AS type, is_nullable AS nullable
       FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> '_prisma_migrations'`,
    )

  it('that has ids has them as text of a kind that has a prefix', async () => {
    const kinds: Record<string, keyof typeof ID_PREFIXES> = {
      app_user: 'user',
      user_identity: 'identity',
      session: 'session',
      refresh_token: 'refreshToken',
      api_key: 'apiKey',
      custom_role: 'role',
      location: 'location',
      printer_group: 'printerGroup',
      printer: 'printer',
      hold: 'hold',
      printer_command: 'printerCommand',
      print_file: 'file',
      file_version: 'fileVersion',
      project: 'project',
      project_part: 'projectPart',
      print_job: 'printJob',
      attempt: 'attempt',
      alarm: 'alarm',
      outbox: 'outbox',
      email_message: 'email',
      fleet_instance: 'instance',
      data_export: 'export',
      webhook: 'webhook',
      webhook_delivery: 'webhookDelivery',
    }
    const ids = (await columns()).filter(({ column }) => column === 'id')
    expect(Object.fromEntries(ids.map(({ table, type }) => [table, type]))).toEqual(
      Object.fromEntries(Object.keys(kinds).map((table) => [table, 'text'])),
    )
    expect(new Set(Object.values(ID_PREFIXES)).size).toBe(Object.keys(ID_PREFIXES).length)
  })

  it('whose rows people edit has a version and says who made them', async () => {
    const edited =
      'api_key app_user custom_role location print_file print_job printer printer_group project project_part user_scope webhook'.split(
        ' ',
      )
    const found = await columns()
    const having = (name: string) => found.filter(({ column }) => column === name).map(({ table }) => table)
    // The outbox's version is that of its payload.
    expect(having('version').sort()).toEqual([...edited, 'outbox'].sort())
    expect(having('created_by_id')).toEqual(expect.arrayContaining(edited))
    const version = found.filter(({ table, column }) => edited.includes(table) && column === 'version')
    expect(new Set(version.map(({ type, nullable }) => `${type} ${nullable}`))).toEqual(new Set(['integer NO']))
  })

  it('keeps times with their zone', async () => {
    const loose = (await columns()).filter(
      ({ type }) => /^(timestamp without|date$|time)/.test(type) && !type.includes('with time'),
    )
    expect(loose).toEqual([])
  })
})

it('knows the same closed lists as the API', async () => {
  const labels = await rows<{ type: string; labels: string[] }>(
    `SELECT t.typname AS type, array_agg(e.enumlabel::text ORDER BY e.enumsortorder) AS labels
     FROM pg_type t JOIN pg_enum e ON e.enumtypid = t.oid GROUP BY t.typname`,
  )
  const lists = Object.fromEntries(labels.map(({ type, labels }) => [type, labels]))
  expect(lists).toMatchObject({
    alarm_severity: alarmSeverity.options,
    attempt_state: attemptState.options,
    bed_state: bedState.options,
    export_state: exportState.options,
    email_state: emailState.options,
    printer_command_state: printerCommandState.options,
    printer_kind: printerKind.options,
    print_job_state: printJobState.options,
    project_status: projectStatus.options,
    user_role: userRole.options,
    webhook_delivery_state: webhookDeliveryState.options,
  })
})
