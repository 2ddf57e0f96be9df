import {
  apiKey,
  createdUser,
  createUserInput,
  dataExport,
  deleteUserInput,
  identity,
  idOf,
  listUsersInput,
  orderUserExportInput,
  pageInput,
  pageOf,
  passwordLink,
  updateUserInput,
  userAccount,
  userSession,
} from '@gantry/schemas'
import { z } from 'zod'

import { router } from '../trpc/init.js'
import { procedureFor, sessionProcedureFor } from '../trpc/procedures.js'

const tags = ['Users']
const byId = z.strictObject({ id: idOf('user') })

export const usersRouter = router({
  list: procedureFor('users.read')
    .meta({ openapi: { method: 'GET', path: '/users', tags, summary: 'List users, newest first' } })
    .input(listUsersInput)
    .output(pageOf(userAccount))
    .query(({ ctx, input: { limit, cursor = null, role = null, state = null, search = null } }) =>
      ctx.services.users.list(ctx.actor, { limit, cursor, role, state, search }),
    ),

  get: procedureFor('users.read')
    .meta({ openapi: { method: 'GET', path: '/users/{id}', tags, summary: 'One user' } })
    .input(byId)
    .output(userAccount)
    .query(({ ctx, input }) => ctx.services.users.get(ctx.actor, input.id)),

  /** With a password, or with an invitation: mailed, or in the answer where there is no mail server. */
  create: procedureFor('users.manage')
    .meta({ openapi: { method: 'POST', path: '/users', tags, summary: 'Make or invite a user' } })
    .input(createUserInput)
    .output(createdUser)
    .mutation(({ ctx, input }) => ctx.services.users.create(ctx.actor, input)),

  /** Another role ends the user's sessions. */
  update: procedureFor('users.manage')
    .meta({ openapi: { method: 'PATCH', path: '/users/{id}', tags, summary: 'Change name or role of a user' } })
    .input(updateUserInput)
    .output(userAccount)
    .mutation(({ ctx, input }) => ctx.services.users.update(ctx.actor, input)),

  /** Ends the user's sessions. */
  disable: procedureFor('users.manage')
    .meta({ openapi: { method: 'POST', path: '/users/{id}/disable', tags, summary: 'Let a user in no more' } })
    .input(byId)
    .output(userAccount)
    .mutation(({ ctx, input }) => ctx.services.users.disable(ctx.actor, input.id)),

  enable: procedureFor('users.manage')
    .meta({ openapi: { method: 'POST', path: '/users/{id}/enable', tags, summary: 'Let a disabled user in again' } })
    .input(byId)
    .output(userAccount)
    .mutation(({ ctx, input }) => ctx.services.users.enable(ctx.actor, input.id)),

  /**
   * An invitation for who has no password yet, a reset for who has; the last link is over with it. For others than
   * oneself; by a person, not by an API key, since the answer may hold the link.
   */
  sendPasswordLink: sessionProcedureFor('users.manage')
    .meta({
      openapi: { method: 'POST', path: '/users/{id}/password-link', tags, summary: 'Let a user choose a password' },
    })
    .input(byId)
    .output(passwordLink)
    .mutation(({ ctx, input }) => ctx.services.users.sendPasswordLink(ctx.actor, input.id)),

  sessions: procedureFor('users.read')
    .meta({ openapi: { method: 'GET', path: '/users/{id}/sessions', tags, summary: 'Where a user is logged in' } })
    .input(byId.extend(pageInput))
    .output(pageOf(userSession))
    .query(({ ctx, input: { id, limit, cursor = null } }) =>
      ctx.services.sessions.list(ctx.actor, id, { limit, cursor }),
    ),

  revokeSession: procedureFor('users.manage')
    .meta({
      openapi: { method: 'DELETE', path: '/users/{id}/sessions/{sessionId}', tags, summary: 'End a login of a user' },
    })
    .input(byId.extend({ sessionId: idOf('session') }))
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.services.sessions.end(ctx.actor, input.id, input.sessionId)),

  /** Of oneself: all but this one. */
  revokeSessions: procedureFor('users.manage')
    .meta({ openapi: { method: 'DELETE', path: '/users/{id}/sessions', tags, summary: 'End all logins of a user' } })
    .input(byId)
    .output(z.object({ ended: z.int() }))
    .mutation(async ({ ctx, input }) => ({ ended: await ctx.services.sessions.endOthers(ctx.actor, input.id) })),

  identities: procedureFor('users.read')
    .meta({
      openapi: { method: 'GET', path: '/users/{id}/identities', tags, summary: 'By which identities a user signs on' },
    })
    .input(byId)
    .output(z.object({ items: z.array(identity) }))
    .query(async ({ ctx, input }) => ({ items: await ctx.services.identities.listOf(input.id) })),

  /** Ends the user's sessions. */
  unlinkIdentity: procedureFor('users.manage')
    .meta({
      openapi: {
        method: 'DELETE',
        path: '/users/{id}/identities/{identityId}',
        tags,
        summary: 'Let nobody in as a user by this identity',
      },
    })
    .input(byId.extend({ identityId: idOf('identity') }))
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.services.identities.unlinkOf(ctx.actor, input.id, input.identityId)),

  /** `apiKeys.revoke` ends one. */
  apiKeys: procedureFor('users.read')
    .meta({ openapi: { method: 'GET', path: '/users/{id}/api-keys', tags, summary: 'API keys of a user' } })
    .input(byId)
    .output(z.object({ items: z.array(apiKey) }))
    .query(async ({ ctx, input }) => ({ items: await ctx.services.apiKeys.listOf(input.id) })),

  /** In the user's name: it counts among the user's exports. */
  orderExport: procedureFor('users.manage')
    .meta({
      openapi: { method: 'POST', path: '/users/{id}/exports', tags, summary: 'Order an export of all data of a user' },
    })
    .input(orderUserExportInput)
    .output(dataExport)
    .mutation(({ ctx, input }) => ctx.services.users.orderExport(ctx.actor, input.id, input.format)),

  /** Its link is to all that is the user's. */
  getExport: procedureFor('users.manage')
    .meta({
      openapi: { method: 'GET', path: '/users/{id}/exports/{exportId}', tags, summary: 'How far that export is' },
    })
    .input(byId.extend({ exportId: idOf('export') }))
    .output(dataExport)
    .query(({ ctx, input }) => ctx.services.users.getExport(ctx.actor, input.id, input.exportId)),

  /** For good; with a finished export of all their data, or the word that none is wanted. */
  delete: procedureFor('users.manage')
    .meta({ openapi: { method: 'DELETE', path: '/users/{id}', tags, summary: 'Delete a user' } })
    .input(deleteUserInput)
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.services.users.delete(ctx.actor, input)),
})
