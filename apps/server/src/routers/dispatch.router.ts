import { dispatchPreview } from '@gantry/schemas'
import { z } from 'zod'

import { router } from '../trpc/init.js'
import { procedureFor } from '../trpc/procedures.js'

export const dispatchRouter = router({
  /** Claims nothing: what starts in the end may differ, since printers and queue change meanwhile. */
  preview: procedureFor('printJobs.read')
    .meta({
      openapi: { method: 'GET', path: '/dispatch/preview', tags: ['Dispatch'], summary: 'What would start where now' },
    })
    .input(z.strictObject({ limit: z.int().min(1).max(200).default(50) }))
    .output(dispatchPreview)
    .query(({ ctx, input }) => ctx.services.dispatch.preview(ctx.actor, input.limit)),
})
