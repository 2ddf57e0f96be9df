import { emailMessage, emailState, idOf, pageInput, pageOf } from '@gantry/schemas'
import { z } from 'zod'

import { router } from '../trpc/init.js'
import { procedureFor } from '../trpc/procedures.js'

const tags = ['Notifications']

export const notificationsRouter = router({
  emails: procedureFor('notifications.read')
    .meta({
      openapi: {
        ...{ method: 'GET', path: '/notifications/emails', tags },
        summary: 'List mails and what became of them, newest first',
      },
    })
    .input(z.strictObject({ ...pageInput, state: emailState.optional() }))
    .output(pageOf(emailMessage))
    .query(({ ctx, input: { limit, cursor = null, state = null } }) =>
      ctx.services.notifications.emails(ctx.actor, { limit, cursor, state }),
    ),

  /** What becomes of it is seen among the mails, by the id. */
  sendTestEmail: procedureFor('notifications.send')
    .meta({
      openapi: {
        ...{ method: 'POST', path: '/notifications/emails/test', tags },
        summary: 'Send a test mail to yourself',
      },
    })
    .output(z.object({ id: idOf('email') }))
    .mutation(async ({ ctx }) => ({ id: await ctx.services.notifications.sendTestEmail(ctx.actor) })),
})
