import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'

import { PrismaClient } from '../src/db/generated/client.js'
import { startDatabase, type BenchDatabase } from './bench-database.js'
import { asks, seedQueue } from './queue-seed.js'
import { race, rowsOf, type Contender } from './race.js'
import type { Bench, BenchOptions, BenchResult } from './report.js'

const JOBS = 1_000
const LANES = 8
const POOL_SIZE = 10

const COLUMNS = `id, name, file_version_id AS "fileVersionId", project_id AS "projectId", part_id AS "partId", copies,
  priority, requirements, state::text AS state, queued_copies AS "queuedCopies", active_copies AS "activeCopies",
  done_copies AS "doneCopies", failed_copies AS "failedCopies", cancelled_copies AS "cancelledCopies",
  held_copies AS "heldCopies", version, created_by_id AS "createdById", created_at AS "createdAt",
  updated_at AS "updatedAt", finished_at AS "finishedAt"`
const BY_ID = `SELECT ${COLUMNS} FROM print_job WHERE id = $1`

/**
 * One row by its id, all of its columns. The yardstick is a statement that pg prepares under a name. Our client keeps names
 * of what comes often (docs/adr/0016), and Prisma joins calls of `findUnique` of one moment into one statement, which
 * the repositories do not use: what an actor may see is a part of their question. Claims, the hot path, write their
 * own SQL.
 */
const contendersOn = ({ prisma }: BenchDatabase, pool: pg.Pool, bare: PrismaClient, ids: string[]): Contender[] => {
  const id = (n: number) => ids[n % ids.length] ?? ''
  const named = (n: number) => pool.query<object>({ name: 'job-by-id', text: BY_ID, values: [id(n)] })
  return [
    ['pg, named', (n) => named(n).then(({ rows }) => rows[0])],
    ['Prisma, findUnique', (n) => prisma.printJob.findUnique({ where: { id: id(n) } })],
    ['Prisma, findFirst as in repositories', (n) => prisma.printJob.findFirst({ where: { AND: [{}, { id: id(n) }] } })],
    [
      'own SQL through Prisma, as in claims',
      (n) => prisma.$queryRawUnsafe<object[]>(BY_ID, id(n)).then(([row]) => row),
    ],
    [
      'findFirst of a bare client: no names, no timing',
      (n) => bare.printJob.findFirst({ where: { AND: [{}, { id: id(n) }] } }),
    ],
  ]
}

/** @throws Error unless all read the same */
const assertAlike = async (contenders: readonly Contender[]): Promise<void> => {
  const rows = await Promise.all(contenders.map(async ([, read]) => (await read(0)) as Record<string, unknown>))
  for (const [n, row] of rows.entries()) {
    const differs = Object.entries(rows[0] ?? {}).find(
      ([key, value]) => JSON.stringify(row[key]) !== JSON.stringify(value),
    )
    if (differs !== undefined) throw new Error(`${contenders[n]?.[0] ?? '?'} read another ${differs[0]}`)
  }
}

/** Processor time of this process for one read, which other work on the machine disturbs least. */
const processorOf = async (read: Contender[1], reads: number): Promise<number> => {
  const before = process.cpuUsage()
  for (let n = 0; n < reads; n += 1) await read(n)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / reads
}

const run = async ({ quick, progress }: BenchOptions): Promise<BenchResult> => {
  const database = await startDatabase()
  const pool = new pg.Pool({ connectionString: database.url, max: POOL_SIZE })
  const bare = new PrismaClient({ adapter: new PrismaPg({ connectionString: database.url, max: POOL_SIZE }) })
  try {
    await seedQueue(database, [{ jobs: JOBS, copies: 1, requirements: asks('PLA', 20) }])
    const ids = (await database.prisma.printJob.findMany({ select: { id: true } })).map((job) => job.id)
    const contenders = contendersOn(database, pool, bare, ids)
    await assertAlike(contenders)
    const length = quick ? { rounds: 2, ms: 100 } : { rounds: 7, ms: 500 }
    const single = await race(contenders, length)
    progress('one at a time is measured')
    const several = await race(contenders, { ...length, lanes: LANES })
    const micros: number[] = []
    for (const [, read] of contenders) micros.push(await processorOf(read, quick ? 200 : 2_000))
    const named = (when: string) => contenders.map(([what, call]) => [`${when}: ${what}`, call] as const)
    return {
      name: 'prisma-read',
      title: 'Print job by id on the embedded database',
      rows: [
        ...rowsOf(named('one at a time'), single),
        ...rowsOf(named(`${LANES} at a time`), several),
        ...named('processor').map(([what], n) => ({
          ...{
            what,
            value: `${micros[n]?.toFixed(0) ?? '?'} µs`,
            note: n === 0 ? 'of each read, without PostgreSQL' : '',
          },
        })),
      ],
      data: { single, several, micros },
    }
  } finally {
    await Promise.all([pool.end(), bare.$disconnect()])
    await database.stop()
  }
}

export const prismaReadBench: Bench = { name: 'prisma-read', run }
