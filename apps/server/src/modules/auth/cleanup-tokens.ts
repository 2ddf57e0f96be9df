import { handleJob, type JobHandler, type Logger } from '../../kernel/index.js'
import type { EndedSessions } from './auth.ports.js'
import { cleanupTokens } from './auth.jobs.js'

export interface CleanupTokensDeps {
  sessions: EndedSessions
  log: Logger
  /** Rows that one statement removes at most. @default 1000 */
  batchSize?: number
}

/**
 * Tokens before sessions, so that no session takes a year's tokens with it in one statement. Each statement is a
 * transaction of its own: what is done when the job is told to stop stays done.
 */
export const createCleanupTokensHandler = ({ sessions, log, batchSize = 1_000 }: CleanupTokensDeps): JobHandler =>
  handleJob(cleanupTokens, async ({ signal }) => {
    const inBatches = async (remove: (limit: number) => Promise<number>): Promise<number> => {
      let total = 0
      for (;;) {
        signal.throwIfAborted()
        const removed = await remove(batchSize)
        total += removed
        if (removed < batchSize) return total
      }
    }
    const tokens = await inBatches((limit) => sessions.removeUselessTokens(limit))
    const ended = await inBatches((limit) => sessions.removeEnded(limit))
    const signOns = await inBatches((limit) => sessions.removeSignOns(limit))
    log.debug({ tokens, sessions: ended, signOns }, 'old tokens and sessions removed')
  })
