import { randomBytes } from 'node:crypto'

import { describe, expect, it } from 'vitest'

import { correlated, correlationOf, unchangingKeys } from '../../kernel/index.js'
import { ADA, openAuditBench } from '../../testing/audit-bench.js'
import { settleTransactions } from '../../testing/open-database.js'
import { removeOldEntries } from './audit-retention.js'
import { hashOf, Seals } from './seals.js'

/** Seven entries, seq 1 to 7. */
const open = async () => {
  const bench = await openAuditBench()
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) await bench.pause(name)
  await bench.seal()
  return bench
}

const swapped = (a: number, b: number) =>
  ['99', String(a), String(b)].map((_, step) => {
    const [from, to] = [
      [a, 99],
      [b, a],
      [99, b],
    ][step]!
    return `update audit_entry set seq = ${to} where seq = ${from}`
  })

describe('the chain', () => {
  it('of what was left alone is right, and so is an empty one', async () => {
    await using empty = await openAuditBench()
    expect(await empty.verify()).toMatchObject({ entries: 0, head: { seq: 0 }, broken: null })
    await using bench = await open()
    expect(await bench.verify()).toMatchObject({ entries: 7, base: { seq: 0 }, head: { seq: 7 }, broken: null })
  })

  it.each([
    ['a changed field', ["update audit_entry set actor_name = 'somebody else' where seq = 3"], 3, 'changed'],
    ['a changed payload', [`update audit_entry set changes = '[]' where seq = 3`], 3, 'changed'],
    ['a changed time', ["update audit_entry set at = at - interval '1 day' where seq = 3"], 3, 'changed'],
    ['a removed entry', ['delete from audit_entry where seq = 4'], 4, 'missing'],
    ['entries that changed places', swapped(2, 5), 2, 'changed'],
    ['a removed end', ['delete from audit_entry where seq > 5'], 6, 'cut_off'],
    [
      'an end that was put back',
      [
        'update audit_chain c set seq = 5, hash = e.hash, seal = e.seal from audit_entry e where e.seq = 5',
        'delete from audit_entry where seq > 5',
      ],
      5,
      'end_forged',
    ],
    [
      'an entry behind the end',
      [
        'create temp table copied as select * from audit_entry where seq = 7; update copied set seq = 8; insert into audit_entry select * from copied; drop table copied',
      ],
      8,
      'behind_end',
    ],
    [
      'a beginning that was moved',
      [
        'update audit_chain c set base_seq = 2, base_hash = e.hash, base_key_id = e.key_id, base_seal = e.seal from audit_entry e where e.seq = 2',
        'delete from audit_entry where seq <= 2',
      ],
      2,
      'beginning_forged',
    ],
  ] as const)('shows %s', async (_what, statements, seq, kind) => {
    await using bench = await open()
    await bench.tamper(...statements)
    expect((await bench.verify()).broken).toEqual({ seq, kind })
  })

  it('shows an entry that was put in with hashes made anew, by whoever has the database but not the key', async () => {
    await using bench = await open()
    const { prisma, reads } = bench
    const [before, ...later] = (await reads.audit.page(2, 100)).map((entry) => ({ ...entry }))
    let last = before!.hash
    const statements = later.map((entry, index) => {
      const forged = index === 0 ? { ...entry, actorName: 'somebody else' } : entry
      last = hashOf(forged, last)
      return `update audit_entry set hash = '${last}', actor_name = ${forged.actorName === null ? 'null' : `'${forged.actorName}'`} where seq = ${entry.seq}`
    })
    await bench.tamper(...statements, `update audit_chain set hash = '${last}'`)
    expect((await bench.verify()).broken).toEqual({ seq: 7, kind: 'end_forged' })
    // Had they the seal of the end too, the entry itself is the first that is wrong.
    const { seal } = bench.seals.seal('head', 7, last)
    await prisma.auditChain.updateMany({ data: { seal } })
    expect((await bench.verify()).broken).toEqual({ seq: 4, kind: 'forged' })
  })

  it('shows by a note of its earlier end that all of it was put back', async () => {
    await using bench = await open()
    const { head } = await bench.verify()
    expect((await bench.verify(head)).broken).toBeNull()
    const none = '0'.repeat(64)
    await bench.tamper(
      'delete from audit_entry',
      `update audit_chain set seq = 0, hash = '${none}', key_id = '', seal = ''`,
    )
    expect((await bench.verify()).broken).toBeNull()
    expect((await bench.verify(head)).broken).toEqual({ seq: 1, kind: 'cut_off' })
    await bench.pause('other')
    await expect(bench.seal()).rejects.toMatchObject({ code: 'INTERNAL' })
    // A server that was started afterwards knows nothing of it; the note does.
    for (const name of ['p', 'q', 'r', 's', 't', 'u', 'v']) await bench.pause(name)
    await bench.seal(bench.sealer())
    expect((await bench.verify(head)).broken).toEqual({ seq: 7, kind: 'not_anchored' })
  })

  it('goes on under another key while the one before is known, and is right when that is gone', async () => {
    await using bench = await open()
    const next = randomBytes(32)
    const [both, later] = [new Seals(unchangingKeys(next, bench.key)), new Seals(unchangingKeys(next))]
    expect((await bench.verify(null, later)).broken).toEqual({ seq: 7, kind: 'unknown_key' })
    await expect(bench.seal(bench.sealer(later))).rejects.toMatchObject({ code: 'INTERNAL' })
    // Although nothing was changed since.
    await bench.seal(bench.sealer(both))
    expect((await bench.verify(null, later)).broken).toBeNull()
    await bench.pause('h')
    await bench.seal(bench.sealer(later))
    expect(await bench.verify(null, later)).toMatchObject({
      ...{ entries: 8, broken: null, otherKeys: [{ keyId: bench.seals.keyId, first: 1, last: 7 }] },
    })
    await bench.tamper("update audit_entry set ip = '10.9.9.9' where seq = 2")
    expect((await bench.verify(null, later)).broken).toEqual({ seq: 2, kind: 'changed' })
  })

  it('that was made anew under a key which nobody knows is never gone on with, nor taken for right', async () => {
    await using bench = await open()
    const { prisma, reads } = bench
    const entries = await reads.audit.page(0, 100)
    let last = '0'.repeat(64)
    const statements = entries.map((entry) => {
      const name = entry.seq === 4 ? 'somebody else' : null
      last = hashOf({ ...entry, actorName: name }, last)
      const actor = name === null ? 'null' : `'${name}'`
      return `update audit_entry set hash = '${last}', key_id = '0000000000000000', actor_name = ${actor} where seq = ${entry.seq}`
    })
    await bench.tamper(...statements, `update audit_chain set hash = '${last}', key_id = '0000000000000000'`)
    await bench.pause('after')
    // Neither by whom it ran with, nor by one that is started afterwards.
    for (const sealer of [undefined, bench.sealer()]) {
      await expect(bench.seal(sealer)).rejects.toMatchObject({ code: 'INTERNAL' })
    }
    expect((await bench.verify()).broken).toEqual({ seq: 7, kind: 'unknown_key' })
    // Nor if the server had sealed the end: who it is that sealed the entries, it does not say.
    const { keyId, seal } = bench.seals.seal('head', 7, last)
    await prisma.auditChain.updateMany({ data: { keyId, seal } })
    expect((await bench.verify()).broken).toEqual({ seq: 1, kind: 'unknown_key' })
    await bench.tamper(`update audit_chain set earlier_keys = '{0000000000000000}'`)
    expect((await bench.verify()).broken).toEqual({ seq: 7, kind: 'end_forged' })
  })

  it('that was made elsewhere with the same key is not what this server wrote', async () => {
    await using bench = await open()
    const entries = await bench.reads.audit.page(6, 1)
    const forged = { ...entries[0]!, actorName: 'somebody else' }
    const hash = hashOf(forged, (await bench.reads.audit.page(5, 1))[0]!.hash)
    const { seal } = bench.seals.seal('entry', 7, hash)
    const head = bench.seals.seal('head', 7, hash)
    await bench.tamper(
      `update audit_entry set actor_name = 'somebody else', hash = '${hash}', seal = '${seal}' where seq = 7`,
      `update audit_chain set hash = '${hash}', seal = '${head.seal}'`,
    )
    await bench.pause('after')
    await expect(bench.seal()).rejects.toMatchObject({ code: 'INTERNAL' })
    // Nor when another one has gone on from there.
    await bench.seal(bench.sealer())
    await bench.pause('more')
    await expect(bench.seal()).rejects.toMatchObject({ code: 'INTERNAL' })
  })

  it('is not changed by accident', async () => {
    await using bench = await open()
    const { prisma } = bench
    const statements = [
      "update audit_entry set ip = 'x'",
      'delete from audit_entry where seq = 7',
      'truncate audit_entry',
      'delete from audit_chain',
    ]
    for (const statement of statements) {
      await expect(prisma.$executeRawUnsafe(statement)).rejects.toThrow()
    }
    expect(await bench.verify()).toMatchObject({ entries: 7, broken: null })
  })
})

describe('sealing', () => {
  it('by many at once gives one chain, each change once, whatever overlaps and rolls back', async () => {
    await using bench = await openAuditBench()
    const { prisma, call, sealer } = bench
    const sealers = [sealer(), sealer(), sealer()]
    const writers = Array.from({ length: 40 }, async (_, number) => {
      const work = call('jobs.pauseQueue', async ({ jobQueues, now }) => {
        await jobQueues.setPaused(`q${number}`, { at: now, byId: ADA })
        await new Promise((resolve) => setTimeout(resolve, (number * 7) % 30))
        if (number % 5 === 0) throw new Error('no')
      })
      await work.catch(() => undefined)
    })
    const sealing = Promise.all(
      sealers.map(async (one) => {
        for (let round = 0; round < 10; round += 1) await one.sealAll()
      }),
    )
    await Promise.all([...writers, sealing])
    await settleTransactions(prisma)
    await sealers[0]!.sealAll()
    const entries = await bench.reads.audit.page(0, 100)
    expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 32 }, (_, index) => index + 1))
    expect(new Set(entries.map(({ targetId }) => targetId)).size).toBe(32)
    expect((await bench.verify()).broken).toBeNull()
    expect(await prisma.auditChange.count()).toBe(0)
  })

  it('tells who, from where and by what; the name stays when the account goes', async () => {
    await using bench = await openAuditBench()
    const { prisma } = bench
    const person = { email: 'ada@example.org', displayName: 'Ada', passwordHash: 'x', role: 'admin' } as const
    await prisma.user.create({ data: { id: ADA, ...person } })
    await bench.pause('q')
    await bench.seal()
    await prisma.user.delete({ where: { id: ADA } })
    await bench.seal()
    const [made, paused, gone] = await bench.reads.audit.page(0, 10)
    expect(paused).toMatchObject({
      ...{ actorKind: 'user', actorId: ADA, actorName: 'ada@example.org', ip: '10.0.0.7', userAgent: 'a browser' },
      ...{ requestId: 'r-1', action: 'jobs.pauseQueue', targetType: 'job_queue', targetId: 'q', touched: ['q'] },
    })
    // Nobody called the server for these.
    expect(made).toMatchObject({ actorKind: 'database', action: 'database.insert', userAgent: 'test', targetId: ADA })
    expect(made?.changes[0]?.after).toMatchObject({ email: 'ada@example.org', passwordHash: '[redacted]' })
    expect(gone).toMatchObject({
      action: 'database.delete',
      changes: [{ before: { displayName: 'Ada' }, after: null }],
    })
  })

  it('keeps the first hundred changes of a transaction and says how many there are more', async () => {
    await using bench = await openAuditBench()
    await bench.call('jobs.pauseQueue', async ({ jobQueues, now }) => {
      for (let number = 0; number < 103; number += 1) await jobQueues.setPaused(`q${number}`, { at: now, byId: ADA })
    })
    await bench.seal()
    const [entry] = await bench.reads.audit.page(0, 10)
    expect([entry?.changes.length, entry?.omitted]).toEqual([100, 3])
    expect(await bench.prisma.auditChange.count()).toBe(0)
  })

  it('costs the change itself no further statement', async () => {
    await using bench = await openAuditBench()
    const call = correlationOf({ ip: '10.0.0.7', procedure: 'jobs.pauseQueue', userId: ADA })
    await correlated(call, () =>
      bench.unitOfWork.run(({ jobQueues, now }) => jobQueues.setPaused('q', { at: now, byId: ADA })),
    )
    // The time, with which the caller is told, and the change.
    expect(call.spent.databaseOperations).toBe(2)
    expect(await bench.prisma.auditChange.count()).toBe(1)
  })
})

describe('retention', () => {
  it('removes the oldest, and what is left can be verified and goes on', async () => {
    await using bench = await open()
    const { unitOfWork, seals } = bench
    const removeOld = () => removeOldEntries({ unitOfWork, seals, days: 400 }, new AbortController().signal)
    expect(await removeOld()).toBe(0)
    await bench.prisma.$executeRaw`
      insert into audit_change (at, call, operation, source, target_id, after)
      values (now() - interval '500 days', '{"actorId": null, "ip": "::1", "action": "x"}', 'insert', 'location', 'loc', '{}')`
    // Only the beginning goes: an old one between younger ones stays.
    await bench.seal()
    expect(await removeOld()).toBe(0)
    await bench.tamper("update audit_entry set at = now() - interval '401 days' where seq <= 3")
    expect(await removeOld()).toBe(3)
    expect(await bench.verify()).toMatchObject({ entries: 5, base: { seq: 3 }, head: { seq: 8 }, broken: null })
    await bench.pause('later')
    await bench.seal()
    expect(await bench.verify()).toMatchObject({ entries: 6, base: { seq: 3 }, head: { seq: 9 }, broken: null })
  })
})
