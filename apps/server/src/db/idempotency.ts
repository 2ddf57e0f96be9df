import superjson from 'superjson'

import { GantryError } from '../kernel/errors.js'
import type { IdempotentCall } from '../kernel/unit-of-work.port.js'
import type { Prisma, PrismaClient } from './generated/client.js'
import { inputHash } from '../kernel/input-hash.js'

const KEPT_HOURS = 24

/**
 * Takes the key for this transaction. A concurrent call with the same key waits here until the first has ended.
 * @returns false when an earlier call holds it
 */
const takeKey = async (tx: Prisma.TransactionClient, call: IdempotentCall, hash: string): Promise<boolean> => {
  const taken = await tx.$executeRaw`
    insert into idempotency_key as kept (actor_id, key, procedure, input_hash, expires_at)
    values (${call.actorId}, ${call.key}, ${call.procedure}, ${hash}, now() + make_interval(hours => ${KEPT_HOURS}::int))
    on conflict (actor_id, key) do update
      set procedure = excluded.procedure, input_hash = excluded.input_hash, response = null,
          created_at = now(), expires_at = excluded.expires_at
      where kept.expires_at <= now()`
  return taken === 1
}

type KeptKey = Prisma.IdempotencyKeyGetPayload<object>

const answerOf = (kept: KeptKey, call: IdempotentCall, hash: string): unknown => {
  if (kept.procedure !== call.procedure || kept.inputHash !== hash) {
    throw new GantryError('IDEMPOTENCY_KEY_REUSED', { detail: `key first used for ${kept.procedure}` })
  }
  return superjson.deserialize(kept.response as unknown as Parameters<typeof superjson.deserialize>[0])
}

const earlierAnswer = async (tx: Prisma.TransactionClient, call: IdempotentCall, hash: string): Promise<unknown> => {
  const { actorId, key } = call
  return answerOf(await tx.idempotencyKey.findUniqueOrThrow({ where: { actorId_key: { actorId, key } } }), call, hash)
}

/** The kept answer of an earlier call that has ended; null when there is none. */
export const recallAnswer = async <T>(prisma: Prisma.TransactionClient, call: IdempotentCall): Promise<T | null> => {
  const { actorId, key } = call
  const [row] = await prisma.$queryRaw<{ isKept: boolean }[]>`
    select expires_at > now() and response is not null as "isKept" from idempotency_key
    where actor_id = ${actorId} and key = ${key}`
  if (row?.isKept !== true) return null
  return (await earlierAnswer(prisma, call, inputHash(call.input))) as T
}

/** Runs `work` once per actor and key inside the caller's transaction; a repeated call gets the kept answer. */
export const answerOnce = async <T>(
  tx: Prisma.TransactionClient,
  call: IdempotentCall,
  work: () => Promise<T>,
): Promise<T> => {
  const hash = inputHash(call.input)
  if (!(await takeKey(tx, call, hash))) return (await earlierAnswer(tx, call, hash)) as T
  const answer = await work()
  const response = superjson.serialize(answer) as unknown as Prisma.InputJsonValue
  const { actorId, key } = call
  await tx.idempotencyKey.update({ where: { actorId_key: { actorId, key } }, data: { response } })
  return answer
}

/** Removes keys past their day. @returns how many */
export const removeExpiredIdempotencyKeys = (prisma: PrismaClient): Promise<number> =>
  prisma.$executeRaw`delete from idempotency_key where expires_at <= now()`
