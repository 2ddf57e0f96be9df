import { router } from '../trpc/init.js'
import { alarmsRouter } from './alarms.router.js'
import { apiKeysRouter } from './api-keys.router.js'
import { attemptsRouter } from './attempts.router.js'
import { auditRouter } from './audit.router.js'
import { authRouter } from './auth.router.js'
import { dispatchRouter } from './dispatch.router.js'
import { exportsRouter } from './exports.router.js'
import { filesRouter } from './files.router.js'
import { identitiesRouter } from './identities.router.js'
import { notificationsRouter } from './notifications.router.js'
import { jobsRouter } from './jobs.router.js'
import { printJobsRouter } from './print-jobs.router.js'
import { printersRouter } from './printers.router.js'
import { projectsRouter } from './projects.router.js'
import { secondFactorRouter } from './second-factor.router.js'
import { rolesRouter } from './roles.router.js'
import { sessionsRouter } from './sessions.router.js'
import { statisticsRouter } from './statistics.router.js'
import { systemRouter } from './system.router.js'
import { userScopesRouter } from './user-scopes.router.js'
import { usersRouter } from './users.router.js'
import { webhooksRouter } from './webhooks.router.js'

/** Everything that clients can call, by noun. */
export const appRouter = router({
  alarms: alarmsRouter,
  apiKeys: apiKeysRouter,
  attempts: attemptsRouter,
  audit: auditRouter,
  auth: authRouter,
  dispatch: dispatchRouter,
  exports: exportsRouter,
  files: filesRouter,
  identities: identitiesRouter,
  notifications: notificationsRouter,
  jobs: jobsRouter,
  printers: printersRouter,
  printJobs: printJobsRouter,
  projects: projectsRouter,
  secondFactor: secondFactorRouter,
  roles: rolesRouter,
  sessions: sessionsRouter,
  statistics: statisticsRouter,
  system: systemRouter,
  userScopes: userScopesRouter,
  users: usersRouter,
  webhooks: webhooksRouter,
})

export type AppRouter = typeof appRouter
