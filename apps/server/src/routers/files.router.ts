import { fileVersion, idOf, pageInput, pageOf, printFile } from '@gantry/schemas'
import { z } from 'zod'

import { cache } from '../trpc/cache.js'
import { router } from '../trpc/init.js'
import { procedureFor } from '../trpc/procedures.js'

const tags = ['Files']
const byId = z.strictObject({ id: idOf('file') })

/** The library; bytes go in and out at `/api/files` and `/api/files/{id}/content`. */
export const filesRouter = router({
  list: procedureFor('files.read')
    .meta({ openapi: { method: 'GET', path: '/files', tags, summary: 'List print files, newest first' } })
    .input(z.strictObject(pageInput))
    .concat(cache({ ttl: 2, tags: ['file'], scope: 'shared' }))
    .output(pageOf(printFile))
    .query(({ ctx, input: { limit, cursor = null } }) => ctx.services.files.list(ctx.actor, { limit, cursor })),

  get: procedureFor('files.read')
    .meta({ openapi: { method: 'GET', path: '/files/{id}', tags, summary: 'One print file with its newest version' } })
    .input(byId)
    .output(printFile)
    .query(({ ctx, input }) => ctx.services.files.get(ctx.actor, input.id)),

  versions: procedureFor('files.read')
    .meta({
      openapi: { method: 'GET', path: '/files/{id}/versions', tags, summary: 'The newest hundred versions of a file' },
    })
    .input(byId)
    .output(z.object({ items: z.array(fileVersion) }))
    .query(async ({ ctx, input }) => ({ items: await ctx.services.files.versions(ctx.actor, input.id) })),

  /** Refused while unfinished print jobs need the file. */
  remove: procedureFor('files.write')
    .meta({ openapi: { method: 'DELETE', path: '/files/{id}', tags, summary: 'Remove a file from the library' } })
    .input(byId)
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.services.files.remove(ctx.actor, input.id)),
})
