import type { UnitOfWork } from '../../kernel/index.js'
import type { AuditRepository } from './audit.ports.js'
import { assertOurs } from './end-of-chain.js'
import type { Seals } from './seals.js'

export interface AuditRetentionDeps {
  unitOfWork: UnitOfWork<{ audit: AuditRepository }>
  seals: Seals
  days: number
}

/** In one transaction. */
const BATCH = 5_000

/**
 * Removes entries that are too old, from the beginning of the chain. The hash of the last one that went stays, under a
 * seal, so that what is left can still be verified.
 * @returns how many went
 */
export const removeOldEntries = async (
  { unitOfWork, seals, days }: AuditRetentionDeps,
  signal: AbortSignal,
): Promise<number> => {
  let removed = 0
  for (let count = BATCH; count === BATCH; removed += count) {
    signal.throwIfAborted()
    count = await unitOfWork.run(async ({ audit }) => {
      const chain = await audit.lockChain(true)
      if (chain !== null) assertOurs(seals, chain)
      const last = await audit.lastOlderThan(days, BATCH)
      return last === null ? 0 : audit.removeUpTo(seals.seal('base', last.seq, last.hash))
    })
  }
  return removed
}
