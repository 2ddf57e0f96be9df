import { systemInfo } from '@gantry/schemas'

import { router } from '../trpc/init.js'
import { authedProcedure } from '../trpc/procedures.js'

export const systemRouter = router({
  info: authedProcedure
    .meta({ openapi: { method: 'GET', path: '/system', tags: ['System'], summary: 'What this installation is' } })
    .output(systemInfo)
    .query(({ ctx }) => ctx.services.system.info(ctx.actor)),
})
