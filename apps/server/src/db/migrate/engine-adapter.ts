import { PrismaPg } from '@prisma/adapter-pg'
import { ColumnTypeEnum, type SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils'
import type pg from 'pg'

import { markedScript } from './interrupted.js'

const CATALOG_CHAR_OID = 18
const BPCHAR_OID = 1042

/** Prisma's pg adapter with the two corrections that the schema engine needs. */
export function engineAdapter(pool: pg.Pool): SqlMigrationAwareDriverAdapterFactory {
  const charColumns = markCatalogChars(pool)
  const factory = new PrismaPg(pool, { disposeExternalPool: false })
  const connect = factory.connect.bind(factory)
  factory.connect = async () => {
    const adapter = await connect()
    const queryRaw = adapter.queryRaw.bind(adapter)
    adapter.queryRaw = async (query) => {
      const result = await queryRaw(query)
      for (const column of charColumns.get(result.rows) ?? []) result.columnTypes[column] = ColumnTypeEnum.Character
      return result
    }
    const reportError: (error: unknown) => never = adapter['onError'].bind(adapter)
    adapter.executeScript = (script) => executeScript(pool, script).catch(reportError)
    return adapter
  }
  return factory
}

/**
 * The adapter splits scripts at every `;`, also within function bodies, strings and comments, and commits statement by
 * statement. Sent as one simple query a script is parsed by the server and is one transaction.
 */
async function executeScript(pool: pg.Pool, script: string): Promise<void> {
  await pool.query(markedScript(script))
}

/**
 * The adapter refuses the catalog type "char", of which the engine reads many columns and wants characters. Such columns
 * are passed off as CHAR(n) and remembered by the rows they belong to.
 */
function markCatalogChars(pool: pg.Pool): WeakMap<object, number[]> {
  const charColumns = new WeakMap<object, number[]>()
  const query = pool.query.bind(pool) as (config: pg.QueryConfig | string) => Promise<pg.QueryResult>
  const marking = async (config: pg.QueryConfig | string) => {
    const result = await query(config)
    // A script of several statements has several results, and nobody reads them.
    if (Array.isArray(result)) return result
    const columns = result.fields.flatMap((field, index) => (field.dataTypeID === CATALOG_CHAR_OID ? [index] : []))
    for (const field of result.fields) if (field.dataTypeID === CATALOG_CHAR_OID) field.dataTypeID = BPCHAR_OID
    charColumns.set(result.rows, columns)
    return result
  }
  Object.defineProperty(pool, 'query', { value: marking })
  return charColumns
}
