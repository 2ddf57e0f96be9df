import { createExportInput, dataExport, idOf, pageInput, pageOf } from '@gantry/schemas'
import { z } from 'zod'

import { router } from '../trpc/init.js'
import { procedureFor } from '../trpc/procedures.js'

const tags = ['Exports']
const byId = z.strictObject({ id: idOf('export') })

export const exportsRouter = router({
  list: procedureFor('exports.read')
    .meta({ openapi: { method: 'GET', path: '/exports', tags, summary: 'List your exports, newest first' } })
    .input(z.strictObject(pageInput))
    .output(pageOf(dataExport))
    .query(({ ctx, input: { limit, cursor = null } }) => ctx.services.exports.list(ctx.actor, { limit, cursor })),

  get: procedureFor('exports.read')
    .meta({
      openapi: { method: 'GET', path: '/exports/{id}', tags, summary: 'How far an export is, and a link to its file' },
    })
    .input(byId)
    .output(dataExport)
    .query(({ ctx, input }) => ctx.services.exports.get(ctx.actor, input.id)),

  /** One's own data; what belongs to the whole farm is for admins. */
  create: procedureFor('exports.create')
    .meta({ openapi: { method: 'POST', path: '/exports', tags, summary: 'Order an export' } })
    .input(createExportInput)
    .output(dataExport)
    .mutation(({ ctx, input }) => ctx.services.exports.create(ctx.actor, input)),

  remove: procedureFor('exports.create')
    .meta({ openapi: { method: 'DELETE', path: '/exports/{id}', tags, summary: 'Cancel or delete an export' } })
    .input(byId)
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.services.exports.remove(ctx.actor, input.id)),
})
