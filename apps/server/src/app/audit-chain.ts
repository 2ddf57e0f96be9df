import type { Database } from '../db/client.js'
import { repositoriesFor } from '../db/repositories.js'
import { createUnitOfWork } from '../db/unit-of-work.js'
import type { CommitHook } from '../kernel/commit-hook.port.js'

/** What commands do to the audit log records no event. */
const TELLS_NOBODY: CommitHook = { channel: 'gantry_audit', notice: () => '', committed: () => undefined }

/** The audit log for commands that run beside the server. */
export const openAuditChain = ({ prisma, reads }: Pick<Database, 'prisma' | 'reads'>) => ({
  audit: repositoriesFor(reads).audit,
  unitOfWork: createUnitOfWork({ prisma, repositoriesFor, hook: TELLS_NOBODY }),
})

export type AuditChain = ReturnType<typeof openAuditChain>
