import { PrismaAccountRepository, PrismaPasswordTokenRepository } from './accounts.repository.js'
import { PrismaAlarmConditionRepository } from './alarm-conditions.repository.js'
import { PrismaAlarmRepository } from './alarms.repository.js'
import { PrismaApiKeyRepository } from './api-keys.repository.js'
import { PrismaAttemptRepository } from './attempts.repository.js'
import { PrismaAuditRepository } from './audit.repository.js'
import { PrismaCensusRepository } from './census.repository.js'
import { PrismaCommandRepository } from './commands.repository.js'
import { PrismaExportRepository } from './exports.repository.js'
import { PrismaEventReaderRepository } from './event-readers.repository.js'
import { PrismaEmailRepository } from './emails.repository.js'
import { PrismaBedRepository, PrismaFleetRepository } from './fleet.repository.js'
import type { Prisma } from './generated/client.js'
import { PrismaFileRepository } from './files.repository.js'
import { PrismaIdentityRepository, PrismaSignOnRepository } from './identities.repository.js'
import { PrismaHotQueryRepository } from './hot-queries.repository.js'
import { PrismaHoldRepository } from './holds.repository.js'
import { PrismaJobQueueRepository, PrismaJobScheduleRepository } from './job-control.repository.js'
import { PrismaJobRowRepository } from './job-rows.repository.js'
import { PrismaPastPrintRepository } from './past-prints.repository.js'
import { PrismaPlaceRepository } from './places.repository.js'
import { PrismaPrintJobRepository } from './print-jobs.repository.js'
import { PrismaPrintableFileRepository } from './printable-files.repository.js'
import { PrismaPrinterRepository } from './printers.repository.js'
import { PrismaPartProgressRepository, PrismaProjectRepository } from './projects.repository.js'
import { PrismaRoleRepository } from './roles.repository.js'
import { PrismaApiUseRepository, PrismaRollUpRepository } from './roll-up.repository.js'
import { PrismaSecondFactorRepository } from './second-factors.repository.js'
import { PrismaSessionRepository } from './sessions.repository.js'
import { PrismaStatisticsRepository } from './statistics.repository.js'
import { PrismaUserActivityRepository } from './user-activity.repository.js'
import { PrismaUserScopeRepository } from './user-scopes.repository.js'
import { PrismaUserRepository } from './users.repository.js'
import { PrismaWebhookDeliveryRepository } from './webhook-deliveries.repository.js'
import { PrismaWebhookRepository } from './webhooks.repository.js'

/** Every repository, bound to one transaction, or to the pool for reads that need none. */
export const repositoriesFor = (tx: Prisma.TransactionClient) => ({
  accounts: new PrismaAccountRepository(tx),
  alarmConditions: new PrismaAlarmConditionRepository(tx),
  alarms: new PrismaAlarmRepository(tx),
  apiKeys: new PrismaApiKeyRepository(tx),
  attempts: new PrismaAttemptRepository(tx),
  audit: new PrismaAuditRepository(tx),
  beds: new PrismaBedRepository(tx),
  census: new PrismaCensusRepository(tx),
  commands: new PrismaCommandRepository(tx),
  exports: new PrismaExportRepository(tx),
  eventReaders: new PrismaEventReaderRepository(tx),
  emails: new PrismaEmailRepository(tx),
  files: new PrismaFileRepository(tx),
  fleet: new PrismaFleetRepository(tx),
  hotQueries: new PrismaHotQueryRepository(tx),
  holds: new PrismaHoldRepository(tx),
  identities: new PrismaIdentityRepository(tx),
  jobQueues: new PrismaJobQueueRepository(tx),
  jobRows: new PrismaJobRowRepository(tx),
  jobSchedules: new PrismaJobScheduleRepository(tx),
  parts: new PrismaPartProgressRepository(tx),
  passwordTokens: new PrismaPasswordTokenRepository(tx),
  pastPrints: new PrismaPastPrintRepository(tx),
  places: new PrismaPlaceRepository(tx),
  printableFiles: new PrismaPrintableFileRepository(tx),
  printers: new PrismaPrinterRepository(tx),
  printJobs: new PrismaPrintJobRepository(tx),
  projects: new PrismaProjectRepository(tx),
  apiUse: new PrismaApiUseRepository(tx),
  roles: new PrismaRoleRepository(tx),
  rollUp: new PrismaRollUpRepository(tx),
  secondFactors: new PrismaSecondFactorRepository(tx),
  sessions: new PrismaSessionRepository(tx),
  signOns: new PrismaSignOnRepository(tx),
  statistics: new PrismaStatisticsRepository(tx),
  userActivity: new PrismaUserActivityRepository(tx),
  users: new PrismaUserRepository(tx),
  userScopes: new PrismaUserScopeRepository(tx),
  webhookDeliveries: new PrismaWebhookDeliveryRepository(tx),
  webhooks: new PrismaWebhookRepository(tx),
})

export type Repositories = ReturnType<typeof repositoriesFor>
