import {
  idOf,
  oneTimeCode,
  reauthentication,
  reauthenticationWithCode,
  recoveryCodes,
  secondFactorSeed,
  secondFactorStatus,
} from '@gantry/schemas'
import { z } from 'zod'

import { router } from '../trpc/init.js'
import { sessionProcedure, sessionProcedureFor } from '../trpc/procedures.js'

const tags = ['Second factor']

/** One's own, and for admins that of somebody who has lost everything. */
export const secondFactorRouter = router({
  get: sessionProcedure
    .meta({ openapi: { method: 'GET', path: '/second-factor', tags, summary: 'Whether logins need a code' } })
    .output(secondFactorStatus)
    .query(({ ctx }) => ctx.services.secondFactors.status(ctx.actor)),

  /** A seed for the authenticator app, shown once. Nothing changes until `confirm` gets its first code. */
  begin: sessionProcedure
    .meta({ openapi: { method: 'POST', path: '/second-factor', tags, summary: 'Set up one-time passwords' } })
    .input(reauthentication)
    .output(secondFactorSeed)
    .mutation(({ ctx, input }) => ctx.services.secondFactors.begin(ctx.actor, input.password, ctx.client.ip)),

  /** From now on logins need a code. The recovery codes are shown once. */
  confirm: sessionProcedure
    .meta({
      openapi: { method: 'POST', path: '/second-factor/confirm', tags, summary: 'Confirm with the first code' },
    })
    .input(z.strictObject({ code: oneTimeCode }))
    .output(recoveryCodes)
    .mutation(({ ctx, input }) => ctx.services.secondFactors.confirm(ctx.actor, input.code)),

  renewRecoveryCodes: sessionProcedure
    .meta({
      openapi: { method: 'POST', path: '/second-factor/recovery-codes', tags, summary: 'Ten new recovery codes' },
    })
    .input(reauthenticationWithCode)
    .output(recoveryCodes)
    .mutation(({ ctx, input: { password, code } }) =>
      ctx.services.secondFactors.renewRecoveryCodes(ctx.actor, password, code, ctx.client.ip),
    ),

  remove: sessionProcedure
    .meta({
      openapi: { method: 'POST', path: '/second-factor/remove', tags, summary: 'Log in by password alone again' },
    })
    .input(reauthenticationWithCode)
    .output(z.void())
    .mutation(({ ctx, input: { password, code } }) =>
      ctx.services.secondFactors.remove(ctx.actor, password, code, ctx.client.ip),
    ),

  /** For somebody else who has lost device and recovery codes; by a person, not by an API key. */
  reset: sessionProcedureFor('users.manage')
    .meta({
      openapi: { method: 'DELETE', path: '/users/{id}/second-factor', tags, summary: "Remove a user's second factor" },
    })
    .input(z.strictObject({ id: idOf('user') }))
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.services.secondFactors.reset(ctx.actor, input.id)),
})
