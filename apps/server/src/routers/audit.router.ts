import { auditEntry, auditListInput, pageOf } from '@gantry/schemas'

import { router } from '../trpc/init.js'
import { procedureFor } from '../trpc/procedures.js'

export const auditRouter = router({
  /** What is sealed: a change is in it a second or two after it was made. */
  list: procedureFor('audit.read')
    .meta({
      openapi: { method: 'GET', path: '/audit', tags: ['Audit'], summary: 'Search the audit log, newest first' },
    })
    .input(auditListInput)
    .output(pageOf(auditEntry))
    .query(({ ctx, input: { cursor = null, ...filter } }) => ctx.services.audit.list(ctx.actor, { ...filter, cursor })),
})
