import { readFileSync } from 'node:fs'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { AUDITED_TABLES, type AuditedTable } from '../modules/audit/audited-tables.js'
import { openTestDatabase, type OpenDatabase } from '../testing/open-database.js'

const reference = readFileSync(new URL('../../../../docs/reference/audit.md', import.meta.url), 'utf8')

let database: OpenDatabase
beforeAll(async () => {
  database = await openTestDatabase()
})
afterAll(() => database[Symbol.asyncDispose]())

const triggers = async (): Promise<Record<string, string>> => {
  const rows = await database.prisma.$queryRaw<{ name: string; definition: string }[]>`
    select c.relname::text as name, pg_get_triggerdef(t.oid) as definition
    from pg_trigger t join pg_class c on c.oid = t.tgrelid
    where t.tgname = 'audit' and t.tgenabled = 'O' order by 1`
  return Object.fromEntries(rows.map(({ name, definition }) => [name, definition]))
}

const CONDITIONS: Record<AuditedTable['when'], string> = {
  always: "(current_setting('gantry.call'::text, true) IS DISTINCT FROM 'system'::text)",
  calls: `("left"(current_setting('gantry.call'::text, true), 1) = '{'::text)`,
}

/** As PostgreSQL writes it down, which has an order of its own. */
const definitionOf = (name: string, { id, columns, secrets = [], operations, when }: AuditedTable): string => {
  const events = ['insert', 'delete', 'update'].filter((operation) => operations.includes(operation))
  const names = [id, ...columns, ...secrets.map((secret) => `!${secret}`)].map((column) => `'${column}'`)
  const call = `EXECUTE FUNCTION audit_row(${names.join(', ')})`
  const when_ = `FOR EACH ROW WHEN (${CONDITIONS[when]})`
  return `CREATE TRIGGER audit AFTER ${events.join(' OR ').toUpperCase()} ON public.${name} ${when_} ${call}`
}

describe('the audited tables', () => {
  it('have exactly the triggers that the list says', async () => {
    const { event, outbox, ...ofTables } = await triggers()
    expect(event).toContain('audit_event()')
    expect(outbox).toContain('audit_mail()')
    expect(ofTables).toEqual(
      Object.fromEntries(Object.entries(AUDITED_TABLES).map(([name, table]) => [name, definitionOf(name, table)])),
    )
  })

  it('name columns that exist, and no secret as one that is shown', async () => {
    const columns = await database.prisma.$queryRaw<{ name: string; columns: string[] }[]>`
      select table_name::text as name, array_agg(column_name::text) as columns
      from information_schema.columns where table_schema = 'public' group by 1`
    const known = new Map(columns.map((row) => [row.name, row.columns]))
    for (const [name, { id, columns: shown, secrets = [] }] of Object.entries(AUDITED_TABLES)) {
      expect(known.get(name)).toEqual(expect.arrayContaining([id, ...shown, ...secrets]))
      const secretColumns = (known.get(name) ?? []).filter((column) => /hash$|cipher$/.test(column))
      expect({ name, secrets: [...secrets].sort() }).toEqual({ name, secrets: secretColumns.sort() })
    }
  })

  it('are all tables, but for those that the reference names with a reason', async () => {
    const tables = await database.prisma.$queryRaw<{ name: string }[]>`
      select tablename::text as name from pg_tables where schemaname = 'public' and tablename <> '_prisma_migrations'`
    const section = reference.split('## What is not recorded')[1]?.split('\n## ')[0] ?? ''
    const named = [...section.matchAll(/`([a-z_]+)`/g)].map(([, name]) => name ?? '')
    expect([...named, ...Object.keys(AUDITED_TABLES)].sort()).toEqual(tables.map(({ name }) => name).sort())
  })

  it('stand in the reference with their columns, and no other does', () => {
    const section = reference.split('## What is recorded')[1]?.split('\n## ')[0] ?? ''
    const rows = [...section.matchAll(/^\| `([a-z_]+)`\s*\| ([a-z_]+)\s*\| (.*?)\s*\| (.*?)\s*\|$/gm)]
    expect(rows.map(([, ...cells]) => cells)).toEqual(
      Object.entries(AUDITED_TABLES).map(([name, { target, columns, secrets = [], when }]) => [
        ...[name, target],
        [...columns, ...secrets.map((secret) => `${secret} (that it changed)`)].join(', '),
        when === 'always' ? 'always' : 'in calls',
      ]),
    )
  })
})
