import type { Clock, UnitOfWork } from '../../kernel/index.js'
import { recordFailure } from './export-runner.js'
import type { ExportRepository, ExportStorage } from './exports.ports.js'

export interface SweepExportsDeps {
  unitOfWork: UnitOfWork<{ exports: ExportRepository }>
  storage: ExportStorage
  clock: Clock
}

const BATCH = 100
const HOUR_MS = 60 * 60_000
/** Longer than any run takes, so that nothing is swept that somebody still writes or is about to name. */
const UNTOUCHED_MS = 2 * HOUR_MS
/** How long it is shown what became of an export. */
const SHOWN_DAYS = 30

/**
 * Ends exports that nobody writes any more, and removes files whose time is over, files that no export has, and rows
 * that are old. @returns how many of all of them
 */
export const sweepExports = async (deps: SweepExportsDeps, signal: AbortSignal): Promise<number> => {
  const { unitOfWork, storage, clock } = deps
  const untouched = new Date(clock.now() - UNTOUCHED_MS)
  let removed = await inBatches(signal, () => failAbandoned(deps))
  removed += await inBatches(signal, () => expire(deps))
  signal.throwIfAborted()
  removed += await storage.sweepTemporary(untouched, signal)
  removed += await removeUnowned(deps, await storage.names(untouched), signal)
  return removed + (await inBatches(signal, () => unitOfWork.run(({ exports }) => exports.forget(SHOWN_DAYS, BATCH))))
}

const inBatches = async (signal: AbortSignal, once: () => Promise<number>): Promise<number> => {
  let total = 0
  for (;;) {
    signal.throwIfAborted()
    const count = await once()
    total += count
    if (count < BATCH) return total
  }
}

const failAbandoned = ({ unitOfWork }: SweepExportsDeps): Promise<number> =>
  unitOfWork.run(async (tx) => {
    const abandoned = await tx.exports.abandoned(BATCH)
    for (const { id, createdById } of abandoned) {
      if (await tx.exports.fail(id, 'INTERNAL', tx.now)) recordFailure(tx, id, createdById, 'INTERNAL')
    }
    return abandoned.length
  })

/** The row first: from then on no link leads to the file. One that stays behind then belongs to nobody. */
const expire = async ({ unitOfWork, storage }: SweepExportsDeps): Promise<number> => {
  const names = await unitOfWork.run(({ exports }) => exports.expire(BATCH))
  for (const name of names) await storage.delete(name)
  return names.length
}

/** What a run left that was killed between the file's name and its transaction. */
const removeUnowned = async (
  { unitOfWork, storage }: SweepExportsDeps,
  names: readonly string[],
  signal: AbortSignal,
): Promise<number> => {
  let removed = 0
  for (let from = 0; from < names.length; from += BATCH) {
    signal.throwIfAborted()
    const some = names.slice(from, from + BATCH)
    const owned = new Set(await unitOfWork.run(({ exports }) => exports.stored(some)))
    for (const name of some) if (!owned.has(name) && (await storage.delete(name))) removed += 1
  }
  return removed
}
