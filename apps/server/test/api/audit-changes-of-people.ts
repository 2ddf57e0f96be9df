import { callerOf, PASSWORD } from '../../src/testing/app-under-test.js'
import { ADMIN_EMAIL } from './audit-people.js'
import { nothing, type Change, type Stage } from './audit-stage.js'

const NEW_PASSWORD = 'seven purple lanterns'

/** Whatever `PUBLIC_URL` is. */
const OWN_PAGE = { 'Sec-Fetch-Site': 'same-origin', 'X-Gantry-Session': 'cookie' }

const ofAccount = { prepare: ({ account }: Stage) => account(), target: 'user' }
const ofThemselves = { prepare: ({ loggedIn }: Stage) => loggedIn(), target: 'user', by: 'themselves' as const }
const ofSession = { target: 'session', events: ['session.ended'], changes: ['session update'] }
const ofRole = { target: 'role', events: ['role.changed'] }

/** Each procedure that changes accounts, and what they log in with, may and see. */
export const CHANGES_OF_PEOPLE: Readonly<Record<string, Change>> = {
  'apiKeys.create': {
    ...{ prepare: nothing, target: 'api_key', events: ['api_key.created'], changes: ['api_key insert'] },
    act: (_trpc, _id, { apiKey }) => apiKey(),
  },
  'apiKeys.revoke': {
    ...{ prepare: ({ apiKey }) => apiKey(), target: 'api_key', events: ['api_key.revoked'] },
    act: (trpc, id) => trpc.apiKeys.revoke.mutate({ id }),
    changes: ['api_key update'],
  },
  'auth.acceptInvitation': {
    ...{ prepare: ({ invited }) => invited(), target: 'user', by: 'themselves', events: ['user.updated'] },
    act: (_trpc, id, { app, tokenOf }) =>
      app.nobody.trpc.auth.acceptInvitation.mutate({ token: tokenOf(id), password: NEW_PASSWORD }),
    changes: ['app_user update', 'password_token delete'],
  },
  'auth.beginBrowserSession': {
    ...{ prepare: nothing, target: 'session', events: ['session.started'], changes: ['session insert'] },
    act: (_trpc, _id, { app: { url } }) =>
      callerOf(url, { ...OWN_PAGE, Origin: url }).trpc.auth.beginBrowserSession.mutate({
        email: ADMIN_EMAIL,
        password: PASSWORD,
      }),
  },
  'auth.changePassword': {
    ...{ ...ofThemselves, events: ['user.updated'], changes: ['app_user update'] },
    act: (_trpc, id, { person }) =>
      person(id).trpc.auth.changePassword.mutate({ currentPassword: PASSWORD, newPassword: NEW_PASSWORD }),
  },
  'auth.exchangeSignOn': {
    ...{ prepare: nothing, target: 'user', by: 'themselves' },
    ...{ events: ['user.created', 'identity.linked', 'session.started'] },
    act: async (_trpc, _id, { app, signOnTicket }) =>
      app.nobody.trpc.auth.exchangeSignOn.mutate(await signOnTicket('login')),
    changes: ['app_user insert', 'user_identity insert', 'session insert'],
  },
  'auth.register': {
    ...{ prepare: nothing, target: 'user', by: 'themselves', events: ['user.created'], changes: ['app_user insert'] },
    act: (_trpc, _id, { app, freshEmail }) =>
      app.nobody.trpc.auth.register.mutate({ email: freshEmail(), password: NEW_PASSWORD }),
  },
  'auth.requestPasswordReset': {
    ...{ ...ofAccount, by: 'anonymous', changes: ['password_token insert'] },
    act: (_trpc, id, { app, emailOf }) => app.nobody.trpc.auth.requestPasswordReset.mutate({ email: emailOf(id) }),
  },
  'auth.resetPassword': {
    ...{ prepare: ({ withReset }) => withReset(), target: 'user', by: 'themselves', events: ['user.updated'] },
    act: (_trpc, id, { app, tokenOf }) =>
      app.nobody.trpc.auth.resetPassword.mutate({ token: tokenOf(id), password: NEW_PASSWORD }),
    changes: ['app_user update', 'password_token delete'],
  },
  'auth.updateProfile': {
    ...{ ...ofThemselves, events: ['user.updated'], changes: ['app_user update'] },
    act: (_trpc, id, { person }) => person(id).trpc.auth.updateProfile.mutate({ displayName: 'Another' }),
  },
  'identities.link': {
    ...{ ...ofThemselves, events: ['identity.linked'], changes: ['user_identity insert'] },
    act: async (_trpc, id, { person, signOnTicket }) =>
      person(id).trpc.identities.link.mutate({ ...(await signOnTicket('link')), password: PASSWORD }),
  },
  'identities.unlink': {
    ...{ ...ofThemselves, prepare: ({ withIdentity }) => withIdentity(), events: ['identity.unlinked'] },
    act: (_trpc, id, { person, identityOf }) =>
      person(id).trpc.identities.unlink.mutate({ id: identityOf(id), password: PASSWORD }),
    changes: ['user_identity delete'],
  },
  'roles.create': {
    ...{ ...ofRole, prepare: nothing, changes: ['custom_role insert'] },
    act: (_trpc, _id, { role }) => role(),
  },
  'roles.update': {
    ...{ ...ofRole, prepare: ({ role }) => role(), changes: ['custom_role update'] },
    act: (trpc, id) => trpc.roles.update.mutate({ id, permissions: [] }),
  },
  'roles.remove': {
    ...{ ...ofRole, prepare: ({ role }) => role(), changes: ['custom_role delete'] },
    act: (trpc, id) => trpc.roles.remove.mutate({ id }),
  },
  'roles.assign': {
    ...{ ...ofAccount, events: ['user.updated'], changes: ['app_user update'] },
    act: (trpc, userId) => trpc.roles.assign.mutate({ userId, role: 'operator' }),
  },
  'secondFactor.begin': {
    ...{ ...ofThemselves, changes: ['second_factor insert'] },
    act: (_trpc, id, { person }) => person(id).trpc.secondFactor.begin.mutate({ password: PASSWORD }),
  },
  'secondFactor.confirm': {
    ...{ ...ofThemselves, prepare: ({ withSeed }) => withSeed(), events: ['second_factor.enabled'] },
    act: (_trpc, id, { person, codeFor }) => person(id).trpc.secondFactor.confirm.mutate({ code: codeFor(id) }),
    changes: ['second_factor update'],
  },
  'secondFactor.renewRecoveryCodes': {
    ...{ ...ofThemselves, prepare: ({ withFactor }) => withFactor(), events: ['second_factor.recovery_codes_renewed'] },
    act: (_trpc, id, { person, codeFor }) =>
      person(id).trpc.secondFactor.renewRecoveryCodes.mutate({ password: PASSWORD, code: codeFor(id) }),
  },
  'secondFactor.remove': {
    ...{ ...ofThemselves, prepare: ({ withFactor }) => withFactor(), events: ['second_factor.disabled'] },
    act: (_trpc, id, { person, codeFor }) =>
      person(id).trpc.secondFactor.remove.mutate({ password: PASSWORD, code: codeFor(id) }),
    changes: ['second_factor delete'],
  },
  'secondFactor.reset': {
    ...{ prepare: ({ withFactor }) => withFactor(), target: 'user', events: ['second_factor.disabled'] },
    act: (trpc, id) => trpc.secondFactor.reset.mutate({ id }),
    changes: ['second_factor delete'],
  },
  'sessions.revoke': {
    ...{ ...ofThemselves, ...ofSession },
    act: async (_trpc, id, { person }) => {
      const { sessions } = person(id).trpc
      await sessions.revoke.mutate({ id: (await sessions.list.query({})).items[0]!.id })
    },
  },
  'sessions.revokeOthers': {
    ...{ by: 'themselves', ...ofSession },
    prepare: async ({ loggedIn, logIn }) => {
      const { id } = await loggedIn()
      await logIn(id)
      return { id }
    },
    act: (_trpc, id, { person }) => person(id).trpc.sessions.revokeOthers.mutate(),
  },
  'userScopes.set': {
    ...{ ...ofAccount, events: ['user.updated'], changes: ['user_scope insert'] },
    act: (trpc, userId) => trpc.userScopes.set.mutate({ userId, printers: null, projectIds: [] }),
  },
  'users.create': {
    ...{ prepare: nothing, target: 'user', events: ['user.created'] },
    act: (trpc, _id, { freshEmail }) => trpc.users.create.mutate({ email: freshEmail(), role: 'viewer' }),
    changes: ['app_user insert', 'password_token insert'],
  },
  'users.update': {
    ...{ ...ofAccount, events: ['user.updated'], changes: ['app_user update'] },
    act: (trpc, id) => trpc.users.update.mutate({ id, displayName: 'Another' }),
  },
  'users.disable': {
    ...{ ...ofAccount, events: ['user.disabled'], changes: ['app_user update'] },
    act: (trpc, id) => trpc.users.disable.mutate({ id }),
  },
  'users.enable': {
    ...{ prepare: ({ disabled }) => disabled(), target: 'user', events: ['user.updated'] },
    act: (trpc, id) => trpc.users.enable.mutate({ id }),
    changes: ['app_user update'],
  },
  'users.sendPasswordLink': {
    ...{ ...ofAccount, changes: ['password_token insert'] },
    act: (trpc, id) => trpc.users.sendPasswordLink.mutate({ id }),
  },
  'users.revokeSession': {
    ...{ ...ofSession, prepare: ({ loggedIn }) => loggedIn() },
    act: async (trpc, id) => {
      const sessionId = (await trpc.users.sessions.query({ id })).items[0]!.id
      await trpc.users.revokeSession.mutate({ id, sessionId })
    },
  },
  'users.revokeSessions': {
    ...{ ...ofSession, prepare: ({ loggedIn }) => loggedIn() },
    act: (trpc, id) => trpc.users.revokeSessions.mutate({ id }),
  },
  'users.unlinkIdentity': {
    ...{ prepare: ({ withIdentity }) => withIdentity(), target: 'user' },
    ...{ events: ['identity.unlinked', 'session.ended'], changes: ['user_identity delete', 'session update'] },
    act: (trpc, id, { identityOf }) => trpc.users.unlinkIdentity.mutate({ id, identityId: identityOf(id) }),
  },
  'users.orderExport': {
    ...{ ...ofAccount, target: 'export', changes: ['data_export insert'] },
    act: (trpc, id) => trpc.users.orderExport.mutate({ id }),
  },
  'users.delete': {
    ...{ ...ofAccount, events: ['user.deleted'], changes: ['app_user delete'] },
    act: (trpc, id) => trpc.users.delete.mutate({ id, waiveExport: true }),
  },
}
