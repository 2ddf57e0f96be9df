import type { AlarmsService } from '../modules/alarms/alarms.service.js'
import type { ApiKeysService } from '../modules/auth/api-keys.service.js'
import type { AuditService } from '../modules/audit/audit.service.js'
import type { AuthService } from '../modules/auth/auth.service.js'
import type { SecondFactors } from '../modules/auth/second-factors.js'
import type { SessionsService } from '../modules/auth/sessions.service.js'
import type { ExportsService } from '../modules/exports/exports.service.js'
import type { FilesService } from '../modules/files/files.service.js'
import type { NotificationsService } from '../modules/notifications/notifications.service.js'
import type { JobQueuesService } from '../modules/jobs/job-queues.service.js'
import type { JobsService } from '../modules/jobs/jobs.service.js'
import type { AttemptsService } from '../modules/print-jobs/attempts.service.js'
import type { DispatchService } from '../modules/print-jobs/dispatch.service.js'
import type { PrintJobsService } from '../modules/print-jobs/print-jobs.service.js'
import type { PrintersService } from '../modules/printers/printers.service.js'
import type { ProjectsService } from '../modules/projects/projects.service.js'
import type { IdentitiesService } from '../modules/sign-on/identities.service.js'
import type { SignOnService } from '../modules/sign-on/sign-on.service.js'
import type { StatisticsService } from '../modules/statistics/statistics.service.js'
import type { SystemService } from '../modules/system/system.service.js'
import type { AccountService } from '../modules/users/account.service.js'
import type { UsersService } from '../modules/users/users.service.js'
import type { RolesService } from '../modules/auth/roles.service.js'
import type { UserScopesService } from '../modules/auth/user-scopes.service.js'
import type { WebhooksService } from '../modules/webhooks/webhooks.service.js'

/** The services that routers call, by module. Whoever adds a module adds it here. */
export interface Services {
  account: AccountService
  alarms: AlarmsService
  apiKeys: ApiKeysService
  attempts: AttemptsService
  audit: AuditService
  auth: AuthService
  dispatch: DispatchService
  exports: ExportsService
  identities: IdentitiesService
  files: FilesService
  notifications: NotificationsService
  jobs: JobsService
  jobQueues: JobQueuesService
  printers: PrintersService
  printJobs: PrintJobsService
  projects: ProjectsService
  secondFactors: SecondFactors
  roles: RolesService
  sessions: SessionsService
  signOn: SignOnService
  statistics: StatisticsService
  system: SystemService
  users: UsersService
  userScopes: UserScopesService
  webhooks: WebhooksService
}
