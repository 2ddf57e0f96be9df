import { assignRoleInput, createRoleInput, idOf, role, updateRoleInput } from '@gantry/schemas'
import { z } from 'zod'

import { router } from '../trpc/init.js'
import { procedureFor } from '../trpc/procedures.js'

const tags = ['Users']

/** Roles that people make, beside the built-in ones. */
export const rolesRouter = router({
  list: procedureFor('users.read')
    .meta({ openapi: { method: 'GET', path: '/roles', tags, summary: 'List the roles that were made here' } })
    .output(z.object({ items: z.array(role) }))
    .query(async ({ ctx }) => ({ items: await ctx.services.roles.list() })),

  create: procedureFor('users.manage')
    .meta({ openapi: { method: 'POST', path: '/roles', tags, summary: 'Make a role of permissions' } })
    .input(createRoleInput)
    .output(role)
    .mutation(({ ctx, input }) => ctx.services.roles.create(ctx.actor, input)),

  /** Holds at once for everybody who has it. */
  update: procedureFor('users.manage')
    .meta({ openapi: { method: 'PATCH', path: '/roles/{id}', tags, summary: 'Change a role' } })
    .input(updateRoleInput)
    .output(role)
    .mutation(({ ctx, input }) => ctx.services.roles.update(ctx.actor, input)),

  /** Refused while somebody has it. */
  remove: procedureFor('users.manage')
    .meta({ openapi: { method: 'DELETE', path: '/roles/{id}', tags, summary: 'Remove a role' } })
    .input(z.strictObject({ id: idOf('role') }))
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.services.roles.remove(ctx.actor, input.id)),

  /** In place of the role that the user had, built-in or not. */
  assign: procedureFor('users.manage')
    .meta({ openapi: { method: 'PUT', path: '/users/{userId}/role', tags, summary: 'Give a user a role' } })
    .input(assignRoleInput)
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.services.roles.assign(ctx.actor, input)),
})
