import {
  browserSession,
  changePasswordInput,
  choosePasswordInput,
  currentUser,
  emailAddress,
  loginInput,
  loginMethods,
  loginOutput,
  refreshInput,
  registerInput,
  resetPasswordInput,
  signOnTicket,
  tokenPair,
  updateProfileInput,
} from '@gantry/schemas'
import { z } from 'zod'

import { router } from '../trpc/init.js'
import { keptIn, leftBy, renewedIn } from '../trpc/browser-session.js'
import { browserProcedure, leavingProcedure, publicProcedure, sessionProcedure } from '../trpc/procedures.js'

const tags = ['Auth']

export const authRouter = router({
  /** For a page that logs in. */
  methods: publicProcedure
    .meta({ openapi: { method: 'GET', path: '/auth/methods', tags, summary: 'Which ways in there are' } })
    .output(loginMethods)
    .query(({ ctx }) => ctx.services.signOn.methods()),

  login: publicProcedure
    .meta({ openapi: { method: 'POST', path: '/auth/login', tags, summary: 'Log in with e-mail and password' } })
    .input(loginInput)
    .output(loginOutput)
    .mutation(({ ctx, input }) => ctx.services.auth.login(input, ctx.client)),

  /** Answers alike whether or not the address is taken (docs/reference/users.md). */
  register: publicProcedure
    .meta({ openapi: { method: 'POST', path: '/auth/register', tags, summary: 'Make oneself an account' } })
    .input(registerInput)
    .output(currentUser)
    .mutation(({ ctx, input }) => ctx.services.users.register(input, ctx.client)),

  /** Each refresh token works once; the answer holds the next. */
  refresh: publicProcedure
    .meta({
      openapi: { method: 'POST', path: '/auth/refresh', tags, summary: 'Change a refresh token into new tokens' },
    })
    .input(refreshInput)
    .output(tokenPair)
    .mutation(({ ctx, input }) => ctx.services.auth.refresh(input.refreshToken)),

  /** The tokens go into cookies that no script reads, and stand nowhere in the answer. */
  beginBrowserSession: browserProcedure
    .meta({
      openapi: { method: 'POST', path: '/auth/browser-session', tags, summary: 'Log in with the tokens in cookies' },
    })
    .input(loginInput)
    .output(browserSession.extend({ user: currentUser }))
    .mutation(async ({ ctx, input }) => keptIn(ctx.cookies, await ctx.services.auth.login(input, ctx.client))),

  renewBrowserSession: browserProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/auth/browser-session/renew',
        tags,
        summary: 'Change the cookies for new ones',
      },
    })
    .output(browserSession)
    .mutation(({ ctx }) => renewedIn(ctx.cookies, (token) => ctx.services.auth.refresh(token))),

  /** For clients without cookies: the ticket of a sign-on that began with a `code_challenge`. */
  exchangeSignOn: publicProcedure
    .meta({
      openapi: {
        method: 'POST',
        path: '/auth/sso/exchange',
        tags,
        summary: 'Change the ticket of a sign-on into tokens',
      },
    })
    .input(signOnTicket)
    .output(loginOutput)
    .mutation(({ ctx, input }) => ctx.services.signOn.exchange(input, ctx.client)),

  /** Cookies alone are enough when the access token is over; they are taken away in any case. */
  logout: leavingProcedure
    .meta({ openapi: { method: 'POST', path: '/auth/logout', tags, summary: 'End this session' } })
    .output(z.void())
    .mutation(async ({ ctx }) => {
      const { actor, cookies, services } = ctx
      if (actor === null) return leftBy(cookies, (token) => services.auth.logoutBy(token))
      await services.auth.logout(actor)
      cookies?.forget()
    }),

  me: sessionProcedure
    .meta({ openapi: { method: 'GET', path: '/auth/me', tags, summary: 'Who is logged in' } })
    .output(currentUser)
    .query(({ ctx }) => ctx.services.auth.me(ctx.actor)),

  /** Another address needs the password. */
  updateProfile: sessionProcedure
    .meta({ openapi: { method: 'PATCH', path: '/auth/me', tags, summary: 'Change own name or address' } })
    .input(updateProfileInput)
    .output(currentUser)
    .mutation(({ ctx, input }) => ctx.services.account.updateProfile(ctx.actor, input, ctx.client)),

  /** Ends all other sessions, and one's API keys if that is wanted. */
  changePassword: sessionProcedure
    .meta({ openapi: { method: 'PUT', path: '/auth/me/password', tags, summary: 'Change own password' } })
    .input(changePasswordInput)
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.services.account.changePassword(ctx.actor, input, ctx.client)),

  /** Answers alike whether or not somebody has the address. */
  requestPasswordReset: publicProcedure
    .meta({ openapi: { method: 'POST', path: '/auth/password-reset', tags, summary: 'Have a reset link mailed' } })
    .input(z.strictObject({ email: emailAddress }))
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.services.account.requestPasswordReset(input.email, ctx.client)),

  /** Ends all sessions, and the user's API keys unless they are to go on. */
  resetPassword: publicProcedure
    .meta({
      openapi: { method: 'PUT', path: '/auth/password-reset', tags, summary: 'Choose another password by a link' },
    })
    .input(resetPasswordInput)
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.services.account.resetPassword(input)),

  acceptInvitation: publicProcedure
    .meta({ openapi: { method: 'POST', path: '/auth/accept-invitation', tags, summary: 'Choose the first password' } })
    .input(choosePasswordInput)
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.services.account.acceptInvitation(input)),

  /** For oneself. Opting out also removes what was counted so far. */
  setAnalyticsOptOut: sessionProcedure
    .meta({
      openapi: { method: 'PUT', path: '/auth/me/analytics', tags, summary: 'Whether what one does is counted by day' },
    })
    .input(z.strictObject({ optOut: z.boolean() }))
    .output(currentUser)
    .mutation(({ ctx, input }) => ctx.services.auth.setAnalyticsOptOut(ctx.actor, input.optOut)),
})
