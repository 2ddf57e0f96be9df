import { setTimeout as sleep } from 'node:timers/promises'

import { describe, expect, it } from 'vitest'
import { z } from 'zod'

import type { PrismaClient } from './generated/client.js'
import type { Committed } from '../kernel/commit-hook.port.js'
import { defineJob } from '../kernel/jobs.js'
import { openTestDatabase, silentHook } from '../testing/open-database.js'
import { createUnitOfWork } from './unit-of-work.js'

const job = defineJob({
  type: 'TEST_JOB',
  version: 3,
  payload: z.strictObject({ n: z.int() }),
  attempts: 1,
  timeoutMs: 1_000,
})

const open = async () => {
  const database = await openTestDatabase()
  const { prisma } = database
  const commits: Committed[] = []
  const hook = { ...silentHook, committed: (committed: Committed) => void commits.push(committed) }
  return {
    database,
    prisma,
    commits,
    unitOfWork: createUnitOfWork({ prisma, repositoriesFor: (tx) => ({ tx }), hook }),
  }
}

const event = {
  type: 'file.removed',
  subjectType: 'file',
  subjectId: 'fil_1',
  payload: { fileId: 'fil_1' },
} as const

describe('a unit of work', () => {
  it('stores rows, events in order, and jobs together and then tells the hook once', async () => {
    const { database, prisma, commits, unitOfWork } = await open()
    await using _closing = database
    const now = await unitOfWork.run(async (to) => {
      await to.tx.location.create({ data: { id: 'loc', name: 'Lab' } })
      for (let n = 0; n < 5; n += 1) to.record({ ...event, subjectId: `fil_${n}` }, 'usr_1')
      to.jobs.add(job, { n: 7 })
      expect(commits).toEqual([])
      return to.now
    })
    expect(commits).toEqual([{ events: true, jobs: true, actorIds: ['usr_1'] }])
    const rows = await prisma.event.findMany({ orderBy: { seq: 'asc' } })
    expect(rows.map((row) => [row.subjectId, row.actorId])).toEqual([0, 1, 2, 3, 4].map((n) => [`fil_${n}`, 'usr_1']))
    expect(await prisma.outbox.findMany()).toMatchObject([
      {
        id: expect.stringMatching(/^ob_/) as string,
        type: 'TEST_JOB',
        version: 3,
        payload: { n: 7 },
        state: 'pending',
      },
    ])
    expect(rows[0]?.createdAt).toEqual(now)
  })

  it('that fails leaves nothing behind and tells nobody', async () => {
    const { database, prisma, commits, unitOfWork } = await open()
    await using _closing = database
    const failing = unitOfWork.run(async (to) => {
      await to.tx.location.create({ data: { id: 'loc', name: 'Lab' } })
      to.record(event, 'usr_1')
      to.jobs.add(job, { n: 7 })
      throw new Error('changed my mind')
    })
    await expect(failing).rejects.toThrow('changed my mind')
    expect(await Promise.all([prisma.location.count(), prisma.event.count(), prisma.outbox.count()])).toEqual([0, 0, 0])
    expect(commits).toEqual([])
  })

  it('refuses a payload that its handler could not read', async () => {
    const { database, unitOfWork } = await open()
    await using _closing = database
    await expect(
      unitOfWork.run((to) => {
        to.jobs.add(job, { n: 'seven' } as unknown as { n: number })
        return Promise.resolve()
      }),
    ).rejects.toThrow(z.ZodError)
  })

  it('is tried again after a deadlock', async () => {
    const { database, prisma, unitOfWork } = await open()
    await using _closing = database
    for (const id of ['a', 'b']) await prisma.location.create({ data: { id, name: id } })
    let tries = 0
    let holders = 0
    let bothHoldOne: () => void = () => undefined
    const crossed = new Promise<void>((resolve) => {
      bothHoldOne = resolve
    })
    const touch = (first: string, second: string) =>
      unitOfWork.run(async (to) => {
        const update = (id: string) => to.tx.location.update({ where: { id }, data: { version: { increment: 1 } } })
        tries += 1
        await update(first)
        holders += 1
        if (holders === 2) bothHoldOne()
        await crossed
        await update(second)
      })
    await Promise.all([touch('a', 'b'), touch('b', 'a')])
    expect(tries).toBe(3)
    expect((await prisma.location.findMany()).map((row) => row.version)).toEqual([3, 3])
  })
})

describe('a connection that breaks', () => {
  const cut = `select pg_terminate_backend(pg_backend_pid())`
  const call = { actorId: 'usr_1', key: 'k', procedure: 'locations.create', input: null }

  /** The first commit of a location ends its own connection: who sent it does not hear what became of it. */
  const cutTheFirstCommit = async (prisma: PrismaClient) => {
    await prisma.$executeRaw`create sequence fuse`
    await prisma.$executeRawUnsafe(`create function cut() returns trigger language plpgsql as $$ begin
      if nextval('fuse') = 1 then perform pg_terminate_backend(pg_backend_pid()); end if; return null; end $$`)
    await prisma.$executeRawUnsafe(`create constraint trigger cut after insert on location
      deferrable initially deferred for each row execute function cut()`)
  }

  it('before the commit was sent costs another try, and nothing is done twice', async () => {
    const { database, prisma, commits, unitOfWork } = await open()
    await using _closing = database
    let tries = 0
    await unitOfWork.run(async (to) => {
      tries += 1
      await to.tx.location.create({ data: { id: `try ${tries}`, name: 'Lab' } })
      to.record(event, 'usr_1')
      if (tries === 1) await to.tx.$queryRawUnsafe(cut)
    })
    expect([tries, commits.length, await prisma.event.count()]).toEqual([2, 1, 1])
    expect(await prisma.location.findMany({ select: { id: true } })).toEqual([{ id: 'try 2' }])
  })

  it('under the commit is told, for nobody knows whether it happened', async () => {
    const { database, prisma, unitOfWork } = await open()
    await using _closing = database
    await cutTheFirstCommit(prisma)
    let tries = 0
    const run = unitOfWork.run(async (to) => {
      tries += 1
      await to.tx.location.create({ data: { id: 'loc', name: 'Lab' } })
    })
    await expect(run).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    expect(tries).toBe(1)
  })

  it('under the commit of an idempotent call is survived: its key tells whether it happened', async () => {
    const { database, prisma, unitOfWork } = await open()
    await using _closing = database
    await cutTheFirstCommit(prisma)
    let tries = 0
    const answer = await unitOfWork.once(call, async (to) => {
      tries += 1
      await to.tx.location.create({ data: { id: 'loc', name: 'Lab' } })
      return tries
    })
    expect([answer, tries, await prisma.location.count()]).toEqual([2, 2, 1])
  })

  it('under a snapshot costs another try', async () => {
    const { database, unitOfWork } = await open()
    await using _closing = database
    let tries = 0
    const read = unitOfWork.snapshot(async ({ tx }) => {
      tries += 1
      if (tries === 1) await tx.$queryRawUnsafe(cut)
      return tx.location.count()
    })
    expect(await read).toBe(0)
    expect(tries).toBe(2)
  })
})

describe('an idempotent call', () => {
  const call = { actorId: 'usr_1', key: 'k', procedure: 'locations.create', input: { name: 'Lab', at: new Date(0) } }

  it('answers a repetition with the first answer, Dates included, and does the work once', async () => {
    const { database, prisma, unitOfWork } = await open()
    await using _closing = database
    const create = (input: unknown) =>
      unitOfWork.once({ ...call, input }, async (to) => {
        to.record(event, 'usr_1')
        return await to.tx.location.create({ data: { id: 'loc', name: 'Lab' } })
      })
    const first = await create({ name: 'Lab', at: new Date(0), note: undefined })
    const second = await create({ at: new Date(0), name: 'Lab' })
    expect(second).toEqual(first)
    expect(second.createdAt).toBeInstanceOf(Date)
    expect(await prisma.event.count()).toBe(1)
  })

  it('that runs at the same time waits for the first and gets its answer', async () => {
    const { database, unitOfWork } = await open()
    await using _closing = database
    let ran = 0
    const create = () =>
      unitOfWork.once(call, async () => {
        ran += 1
        await sleep(100)
        return { ran }
      })
    expect(await Promise.all([create(), create(), create()])).toEqual([{ ran: 1 }, { ran: 1 }, { ran: 1 }])
  })

  it('may be tried again when the first one failed', async () => {
    const { database, unitOfWork } = await open()
    await using _closing = database
    await expect(unitOfWork.once(call, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(await unitOfWork.once(call, () => Promise.resolve('yes'))).toBe('yes')
  })

  it('with another input or procedure is refused, with another actor or after a day it is a new one', async () => {
    const { database, prisma, unitOfWork } = await open()
    await using _closing = database
    const answer = (changed: object, value: string) =>
      unitOfWork.once({ ...call, ...changed }, () => Promise.resolve(value))
    expect(await answer({}, 'first')).toBe('first')
    const refused = { code: 'IDEMPOTENCY_KEY_REUSED' }
    await expect(answer({ input: { name: 'Lab', at: new Date(1) } }, '')).rejects.toMatchObject(refused)
    await expect(answer({ procedure: 'other' }, '')).rejects.toMatchObject(refused)
    expect(await answer({ actorId: 'usr_2' }, 'other actor')).toBe('other actor')
    await prisma.$executeRaw`update idempotency_key set expires_at = now()`
    expect(await answer({ input: 1 }, 'next day')).toBe('next day')
    expect(await answer({ input: 1 }, '')).toBe('next day')
  })

  it('keeps the answer null too', async () => {
    const { database, unitOfWork } = await open()
    await using _closing = database
    for (let n = 0; n < 2; n += 1) expect(await unitOfWork.once(call, () => Promise.resolve(null))).toBeNull()
  })
})

describe('a snapshot', () => {
  it('reads the database as it was at one moment, whatever is committed meanwhile', async () => {
    const { database, prisma, unitOfWork } = await open()
    await using _closing = database
    const add = (id: string) => prisma.location.create({ data: { id, name: id } })
    await add('one')
    const counts = await unitOfWork.snapshot(async ({ tx }) => {
      const before = await tx.location.count()
      await add('two')
      return [before, await tx.location.count()]
    })
    expect(counts).toEqual([1, 1])
    expect(await prisma.location.count()).toBe(2)
  })

  it('changes nothing', async () => {
    const { database, prisma, unitOfWork } = await open()
    await using _closing = database
    const write = unitOfWork.snapshot(({ tx }) => tx.location.create({ data: { id: 'one', name: 'one' } }))
    await expect(write).rejects.toThrow(/read-only/)
    expect(await prisma.location.count()).toBe(0)
  })
})
