import {
  createProjectInput,
  idOf,
  pageInput,
  pageOf,
  project,
  projectEvent,
  projectPartInput,
  projectStatus,
  updateProjectInput,
} from '@gantry/schemas'
import { tracked } from '@trpc/server'
import { z } from 'zod'

import { cache } from '../trpc/cache.js'
import { router } from '../trpc/init.js'
import { liveStream, trackedStreamOf } from '../trpc/live-stream.js'
import { procedureFor } from '../trpc/procedures.js'

const tags = ['Projects']
const byId = z.strictObject({ id: idOf('project') })

export const projectsRouter = router({
  list: procedureFor('projects.read')
    .meta({ openapi: { method: 'GET', path: '/projects', tags, summary: 'List projects, newest first' } })
    .input(z.strictObject({ ...pageInput, status: projectStatus.optional() }))
    .concat(cache({ ttl: 2, tags: ['project', 'print_job', 'attempt'], scope: 'shared' }))
    .output(pageOf(project))
    .query(({ ctx, input: { limit, cursor = null, status = null } }) =>
      ctx.services.projects.list(ctx.actor, { limit, cursor, status }),
    ),

  get: procedureFor('projects.read')
    .meta({ openapi: { method: 'GET', path: '/projects/{id}', tags, summary: 'One project with its parts' } })
    .input(byId)
    .output(project)
    .query(({ ctx, input }) => ctx.services.projects.get(ctx.actor, input.id)),

  /** Each part prints the newest version that its file has at this moment. */
  create: procedureFor('projects.create')
    .meta({ openapi: { method: 'POST', path: '/projects', tags, summary: 'Create a project' } })
    .input(createProjectInput)
    .output(project)
    .mutation(({ ctx, input }) => ctx.services.projects.create(ctx.actor, input)),

  update: procedureFor('projects.write')
    .meta({ openapi: { method: 'PATCH', path: '/projects/{id}', tags, summary: 'Change a project' } })
    .input(updateProjectInput)
    .output(project)
    .mutation(({ ctx, input }) => ctx.services.projects.update(ctx.actor, input)),

  /** Refused while the project has print jobs that are not over. */
  remove: procedureFor('projects.write')
    .meta({ openapi: { method: 'DELETE', path: '/projects/{id}', tags, summary: 'Remove a project' } })
    .input(byId)
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.services.projects.remove(ctx.actor, input.id)),

  /** A snapshot of the newest, then what people change; resumes after the last event's id. */
  onChange: procedureFor('projects.read')
    .input(z.strictObject({ lastEventId: z.string().max(100).optional() }).optional())
    .output(trackedStreamOf(projectEvent))
    .subscription(({ ctx, input }) =>
      liveStream(ctx, async function* (signal) {
        const items = ctx.services.projects.watch(ctx.actor, input?.lastEventId ?? null, signal)
        for await (const { cursor, data } of items) yield tracked(cursor, data)
      }),
    ),

  addPart: procedureFor('projects.write')
    .meta({ openapi: { method: 'POST', path: '/projects/{id}/parts', tags, summary: 'Add a part to a project' } })
    .input(
      z.strictObject({
        ...projectPartInput.shape,
        id: idOf('project'),
        idempotencyKey: createProjectInput.shape.idempotencyKey,
      }),
    )
    .output(project)
    .mutation(({ ctx, input }) => ctx.services.projects.addPart(ctx.actor, input)),
})
