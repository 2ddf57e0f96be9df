import { GantryError, type UnitOfWork } from '../../kernel/index.js'
import type { AuditRepository, Chain, Mark } from './audit.ports.js'
import type { Seals } from './seals.js'

/** To go on from an end that somebody else has set would vouch for it. @throws GantryError `INTERNAL` */
export const assertOurs = (seals: Seals, { head }: Chain): void => {
  const judgement = seals.judge('head', head)
  if (judgement === 'right') return
  throw new GantryError('INTERNAL', {
    detail:
      judgement === 'wrong'
        ? `the end of the audit log at ${head.seq} is not what the server wrote`
        : `the end of the audit log at ${head.seq} is under the key ${head.keyId.slice(0, 16)}, which is not known here: see npm run audit:verify`,
  })
}

export const isUnder = (seals: Seals, { seq, keyId }: Mark): boolean => seq === 0 || keyId === seals.keyId

/**
 * Puts the end of the chain under the current key, so that the chain can go on when the keys of before are gone.
 * @param write false to look and change nothing
 */
export const resealEnd = (
  unitOfWork: UnitOfWork<{ audit: AuditRepository }>,
  seals: Seals,
  write: boolean,
): Promise<'current' | 'resealed' | 'left' | 'lost'> =>
  unitOfWork.run(async ({ audit }) => {
    const { head } = (await audit.lockChain(true)) ?? (await audit.chain())
    if (seals.judge('head', head) !== 'right') return 'lost'
    if (isUnder(seals, head)) return 'current'
    if (!write) return 'left'
    await audit.seal([], seals.sealEnd(head, head), [])
    return 'resealed'
  })

/**
 * Vouches for an end that is under keys which are not known here, after somebody has looked at it.
 * @param keyIds of the entries before it
 * @returns false when the chain ends elsewhere by now
 */
export const acceptEnd = (
  unitOfWork: UnitOfWork<{ audit: AuditRepository }>,
  seals: Seals,
  end: Pick<Mark, 'seq' | 'hash'>,
  keyIds: readonly string[],
): Promise<boolean> =>
  unitOfWork.run(async ({ audit }) => {
    const { head } = (await audit.lockChain(true)) ?? (await audit.chain())
    if (head.seq !== end.seq || head.hash !== end.hash) return false
    const earlierKeys = [...new Set([...(head.earlierKeys ?? []), ...keyIds])]
    await audit.seal([], seals.sealEnd({ ...head, earlierKeys }, head), [])
    return true
  })
