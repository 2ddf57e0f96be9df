import { randomBytes } from 'node:crypto'

import { repositoriesFor, type Repositories } from '../db/repositories.js'
import { createUnitOfWork } from '../db/unit-of-work.js'
import { correlated, correlationOf, onPrimary, unchangingKeys, type TransactionContext } from '../kernel/index.js'
import { AuditSealer } from '../modules/audit/audit-sealer.js'
import { Seals } from '../modules/audit/seals.js'
import { verifyChain, type Anchor } from '../modules/audit/verify-chain.js'
import { redact } from '../observability/redact.js'
import { openTestDatabase, settleTransactions, silentHook } from './open-database.js'

export const ADA = 'usr_0193a7a0-0000-7000-8000-000000000001'

/** A database of its own, calls that change it, and as many sealers as wanted. */
export const openAuditBench = async () => {
  const database = await openTestDatabase()
  const { prisma, log } = database
  const unitOfWork = createUnitOfWork({ prisma, repositoriesFor, hook: silentHook })
  const reads = onPrimary(repositoriesFor(database.reads))
  const key = randomBytes(32)
  const seals = new Seals(unchangingKeys(key))
  const sealer = (sealedBy = seals) => new AuditSealer({ unitOfWork, reads, seals: sealedBy, redact, log })
  const own = sealer()
  const request = { ip: '10.0.0.7', userAgent: 'a browser', requestId: 'r-1', userId: ADA }
  const call = <T>(procedure: string, work: (tx: Repositories & TransactionContext) => Promise<T>): Promise<T> =>
    correlated(correlationOf({ ...request, procedure }), () => unitOfWork.run(work))
  /** A call that changes one row. */
  const pause = (queue: string) =>
    call('jobs.pauseQueue', ({ jobQueues, now }) => jobQueues.setPaused(queue, { at: now, byId: ADA }))
  return {
    ...{ database, prisma, unitOfWork, reads, key, seals, sealer, call, pause },
    seal: async (by = own) => {
      await settleTransactions(prisma)
      await by.sealAll()
    },
    verify: (anchor: Anchor | null = null, sealedBy = seals) =>
      verifyChain({ audit: reads.audit, seals: sealedBy, anchor, pageSize: 3 }),
    /** What somebody does who owns the tables. */
    tamper: async (...statements: string[]) => {
      for (const table of ['audit_entry', 'audit_chain']) {
        await prisma.$executeRawUnsafe(`alter table ${table} disable trigger audit_keep`)
      }
      for (const statement of statements) await prisma.$executeRawUnsafe(statement)
      for (const table of ['audit_entry', 'audit_chain']) {
        await prisma.$executeRawUnsafe(`alter table ${table} enable trigger audit_keep`)
      }
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}
