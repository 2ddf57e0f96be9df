import { handleJob, type Clock, type JobHandler, type Logger } from '../../kernel/index.js'
import { discardContent, type ContentDiscard } from './discard-contents.js'
import { fileProcessing } from './files.jobs.js'
import type { FileRepository } from './files.ports.js'

export interface FileProcessingDeps extends ContentDiscard {
  reads: { files: Pick<FileRepository, 'unreferenced'> }
  clock: Clock
  log: Logger
}

/** An upload takes minutes at most; what is a day old belongs to none that still runs. */
const UNUSED_FOR_MS = 24 * 60 * 60_000

const ASKED_AT_ONCE = 500

/** Deletes what uploads and removals left behind; each step can be the last one, the next run goes on. */
export const createFileProcessingHandler = (deps: FileProcessingDeps): JobHandler =>
  handleJob(fileProcessing, async ({ payload: { dropped }, signal }) => {
    if (dropped === undefined) await sweep(deps, signal)
    else await discardAll(deps, dropped.contents, new Date(dropped.removedAt), signal)
  })

const sweep = async (deps: FileProcessingDeps, signal: AbortSignal): Promise<void> => {
  const { storage, reads, clock, log } = deps
  const unusedSince = new Date(clock.now() - UNUSED_FOR_MS)
  const halfReceived = await storage.sweepTemporary(unusedSince, signal)
  let contents = 0
  const discard = async (batch: string[]) => {
    const unreferenced = await reads.files.unreferenced(batch)
    contents += await discardAll(deps, unreferenced, unusedSince, signal)
  }
  let batch: string[] = []
  for await (const sha256 of storage.contents(signal)) {
    if (batch.push(sha256) < ASKED_AT_ONCE) continue
    await discard(batch)
    batch = []
  }
  await discard(batch)
  if (halfReceived + contents > 0) log.info({ halfReceived, contents }, 'stored files that nobody refers to deleted')
}

const discardAll = async (
  deps: ContentDiscard,
  contents: readonly string[],
  unusedSince: Date,
  signal: AbortSignal,
): Promise<number> => {
  let deleted = 0
  for (const sha256 of contents) {
    signal.throwIfAborted()
    if (await discardContent(deps, sha256, unusedSince)) deleted++
  }
  return deleted
}
