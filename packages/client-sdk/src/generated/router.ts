// Generated from the server's router by "npm run generate". Do not edit.
/* eslint-disable max-lines -- it has as many types as the API */

import type {
  TRPCBuiltRouter,
  TRPCDecorateCreateRouterOptions,
  TRPCMutationProcedure,
  TRPCQueryProcedure,
  TRPCSubscriptionProcedure,
} from '@trpc/server'

/** Something a person must see. There is one open alarm per code and subject. */
export interface Alarm {
  id: string
  code: AlarmCode
  params: {
    [key: string]: unknown
  }
  /** The English sentence for code and params. */
  text: string
  severity: AlarmSeverity
  subjectType: AlarmSubjectType
  subjectId: string
  raisedAt: Date
  acknowledgedAt: Date | null
  clearedAt: Date | null
}

export type AlarmCode =
  | 'ATTEMPT_UNKNOWN'
  | 'BED_NOT_CLEARED'
  | 'FOREIGN_PRINT'
  | 'HEATER_ON_IDLE'
  | 'OUTBOX_STUCK'
  | 'PRINTER_AUTH_FAILED'
  | 'PRINTER_ERROR'
  | 'PRINTER_LOST'
  | 'PRINT_FAILED'

export type AlarmEvent =
  | {
      type: 'changed'
      alarm: Alarm
    }
  | {
      type: 'snapshot'
      resync: boolean
      alarms: Alarm[]
    }

export type AlarmSeverity = 'critical' | 'info' | 'warning'

export type AlarmSubjectType = 'attempt' | 'print_job' | 'printer' | 'system'

export interface AllQueueStatistics {
  success: true
  /** False: the queues did not answer in time. Then `active` is 0 and what was handed to them counts as waiting. */
  queueReachable: boolean
  data: {
    [key: string]: QueueStatistics
  }
}

/** `/api/health`, as clients of old read it. */
export interface ApiHealth {
  status: 'down' | 'ok'
  /** The kind of installation, as `NODE_ENV` names it. */
  env: string
  uptime: number
  memory: {
    rss: number
    heapTotal: number
    heapUsed: number
    external: number
    arrayBuffers: number
  }
  /** Null where it is not known. */
  commit: string | null
  version: string
}

/** `/api`: where everything is. */
export interface ApiIndex {
  name: string
  version: string
  /** Where each version of the API begins. */
  versions: {
    [key: string]: string
  }
  docs: string
  openapi: string
  health: string
  /** Null while metrics are turned off. */
  metrics: string | null
}

/** What somebody lets a program do in their name. */
export interface ApiKey {
  id: string
  name: string
  /** It may do this, as far as its user may. */
  scopes: Permission[]
  /** It sees printers of these groups alone; empty: all that its user sees. */
  printerGroupIds: string[]
  /** It sees what belongs to these projects alone; empty: all that its user sees. */
  projectIds: string[]
  createdAt: Date
  /** Null: it lasts until it is revoked. */
  expiresAt: Date | null
  /** To the minute; null: never yet. */
  lastUsedAt: Date | null
}

export interface ApiKeyWithSecret {
  id: string
  name: string
  /** It may do this, as far as its user may. */
  scopes: Permission[]
  /** It sees printers of these groups alone; empty: all that its user sees. */
  printerGroupIds: string[]
  /** It sees what belongs to these projects alone; empty: all that its user sees. */
  projectIds: string[]
  createdAt: Date
  /** Null: it lasts until it is revoked. */
  expiresAt: Date | null
  /** To the minute; null: never yet. */
  lastUsedAt: Date | null
  /** `gty_<id>_<secret>` for `Authorization: Bearer`; shown this once. */
  key: string
}

export interface ApiUseFigures {
  /** Null: all together. */
  procedure: string | null
  calls: number
  errors: number
  /** An hour in UTC (`2026-11-27T08`) or a day in the installation's time zone (`2026-11-27`). */
  period: string
  begins: Date
}

export interface Attempt {
  id: string
  jobId: string
  copyNumber: number
  printerId: string
  state: AttemptState
  reason: Reason | null
  printSeconds: number | null
  filamentUsedMm: number | null
  filamentUsedGrams: number | null
  /** A person wants the copy printed at another printer: at this one, or at any other (null). */
  reassign: {
    requestedAt: Date
    toPrinterId: string | null
  } | null
  claimedAt: Date
  startedAt: Date | null
  endedAt: Date | null
}

export type AttemptState =
  | 'cancelled'
  | 'claimed'
  | 'completed'
  | 'failed'
  | 'paused'
  | 'printing'
  | 'revoked'
  | 'starting'
  | 'unknown'
  | 'uploading'

/**
 * Who did it: a user, an API key, nobody that was known, or somebody at the database without the server, whose id is
 * the database's role.
 */
export type AuditActorKind = 'anonymous' | 'api_key' | 'database' | 'user'

export interface AuditChange {
  table: string
  id: string | null
  operation: 'delete' | 'insert' | 'update'
  /** What was changed, by its name, as it was; null when it was made. Secrets are `[redacted]`. */
  before: {
    [key: string]: unknown
  } | null
  /** As it became; null when it was removed. */
  after: {
    [key: string]: unknown
  } | null
}

/** What one call changed in one transaction, or what was refused. */
export interface AuditEntry {
  /** The place in the chain; grows by one. */
  seq: number
  at: Date
  actorKind: AuditActorKind
  actorId: string | null
  /** As the actor was called then; of a refused login, the account that was tried. */
  actorName: string | null
  ip: string | null
  userAgent: string | null
  requestId: string | null
  /** The procedure, such as `printers.update`; `database.update` without the server. */
  action: string
  outcome: AuditOutcome
  /** Why it was refused. */
  errorCode: ErrorCode | null
  /** How often it was refused within two seconds; 1 for what was done. */
  times: number
  targetType: string | null
  targetId: string | null
  events: AuditEvent[]
  changes: AuditChange[]
  /** Changes and events beyond the hundred that an entry holds. */
  omitted: number
  /** SHA-256 of this entry and the hash before it, in hex. */
  hash: string
}

export interface AuditEvent {
  type: string
  subjectType: string
  subjectId: string
  payload: unknown
}

export type AuditOutcome = 'done' | 'refused'

export type BedState = 'clear' | 'occupied'

/** When the cookies of a browser session run out; the tokens themselves no script ever sees. */
export interface BrowserSession {
  accessTokenExpiresAt: Date
  refreshTokenExpiresAt: Date
}

export interface BuildVolume {
  xMm: number
  yMm: number
  zMm: number
}

export type CacheBreakerState = 'closed' | 'half-open' | 'open'

export interface CacheLayerCounts {
  hits: number
  misses: number
  staleHits: number
  errors: number
}

/** The cache of one server instance since its start. */
export interface CacheStats {
  strategy: CacheStrategy
  memory: {
    entries: number
    maxEntries: number
    bytes: number
    maxBytes: number
    /** False while no invalidation could arrive; then nothing is answered from memory. */
    answering: boolean
  }
  /** Null: no Redis is configured. */
  redis: {
    connected: boolean
    breaker: CacheBreakerState
    /** False while invalidations are owed to Redis; then nothing is read from it. */
    inStep: boolean
  } | null
  groups: {
    /** The part of the keys before their first colon; `other` for the groups beyond the first fifty. */
    group: string
    memory: CacheLayerCounts
    redis: CacheLayerCounts
    loads: number
    loadFailures: number
    /** What compression has kept out of Redis. */
    savedBytes: number
  }[]
}

/**
 * `simple` answers with fresh values alone; `swr` (stale while revalidate) also with values that are no longer fresh, up
 * to their hard limit, and loads anew behind the answer.
 */
export type CacheStrategy = 'simple' | 'swr'

/** What a server finds when it looks at one of the things that it needs; `unknown` where it could not even look. */
export type CheckState = 'failed' | 'ok' | 'unknown'

export interface CopyCounts {
  queued: number
  active: number
  done: number
  failed: number
  cancelled: number
  held: number
}

export interface CreatedUser {
  user: UserAccount
  /** Null when a password was given. */
  invitation: PasswordLink | null
}

/** What the printer works on now. `foreign` is true for a print that Gantry did not order. */
export interface CurrentPrint {
  fileName: string | null
  foreign: boolean
  attemptId: string | null
  jobId: string | null
  progress: number | null
  elapsedSeconds: number | null
  remainingSeconds: number | null
  layer: number | null
  layerCount: number | null
}

export interface CurrentUser {
  id: string
  email: string
  displayName: string
  role: UserRole
  /** Nobody counts what this user does (`auth.setAnalyticsOptOut`). */
  analyticsOptOut: boolean
}

export interface DataExport {
  id: string
  kind: ExportKind
  scope: ExportScope
  format: ExportFormat
  state: ExportState
  /** From 0 to 1; 1 only when it is ready. */
  progress: number
  rowsWritten: number
  fileName: string
  /** Null until it is ready. */
  sizeBytes: number | null
  /** Why it failed. */
  errorCode: ErrorCode | null
  createdAt: Date
  startedAt: Date | null
  finishedAt: Date | null
  /** When the file is removed. */
  expiresAt: Date | null
  /** Path of the file on this server, valid for fifteen minutes without a login; null unless it is ready. */
  downloadUrl: string | null
}

/** How one process sees its database. */
export interface DatabaseHealth {
  primary: {
    reachable: boolean
    latencySeconds: number | null
    /** Why it cannot be reached. */
    error: string | null
    pool: {
      max: number
      total: number
      idle: number
      /** Who stands in line for a connection. */
      waiting: number
    }
  }
  replicas: DatabaseReplicaHealth[]
  maxLagSeconds: number
}

export interface DatabaseReplicaHealth {
  /** Host, port and database. */
  name: string
  /** `foreign`: it is no replica, or one of another primary. `usable` alone is read. */
  state: 'failing' | 'foreign' | 'lagging' | 'starting' | 'usable'
  latencySeconds: number | null
  /** At most so old is what it shows; null when that is not known. */
  lagSeconds: number | null
  outstandingReads: number
  pool: {
    max: number
    total: number
    idle: number
    /** Who stands in line for a connection. */
    waiting: number
  }
}

/** `/health/detailed`: what one instance sees of everything around it. */
export interface DetailedHealth {
  status: HealthStatus
  version: string
  /** Seconds since the process started. */
  uptime: number
  draining: boolean
  checks: {
    [key: string]: CheckState
  }
  eventLoopLagSeconds: number
  instanceId: string
  roles: string[]
  env: string
  commit: string | null
  database: {
    status: PartState
    tookSeconds: number
    error: string | null
    detail: DatabaseHealth | null
  }
  redis: {
    status: PartState
    tookSeconds: number
    error: string | null
    detail: {
      connected: boolean
      breaker: CacheBreakerState
      /** False while invalidations are owed to Redis; then nothing is read from it. */
      inStep: boolean
    } | null
  }
  cache: {
    status: PartState
    tookSeconds: number
    error: string | null
    detail: {
      strategy: CacheStrategy
      memory: {
        entries: number
        maxEntries: number
        bytes: number
        maxBytes: number
        /** False while no invalidation could arrive; then nothing is answered from memory. */
        answering: boolean
      }
    } | null
  }
  queues: {
    status: PartState
    tookSeconds: number
    error: string | null
    detail: QueuesHealth | null
  }
  /** Since when the order has been due that was not handed to its queue for longest. */
  outbox: {
    status: PartState
    tookSeconds: number
    error: string | null
    detail: {
      oldestDueSeconds: number | null
    } | null
  }
  storage: {
    status: PartState
    tookSeconds: number
    error: string | null
    detail: StorageSpace | null
  }
  printers: {
    status: PartState
    tookSeconds: number
    error: string | null
    detail: PrintersHealth | null
  }
  memory: {
    rss: number
    heapTotal: number
    heapUsed: number
    external: number
    arrayBuffers: number
  }
  /** The newest first. */
  lastErrors: RecentError[]
}

/** What would start where now, by the rules of the dispatcher; nothing is claimed by looking. */
export interface DispatchPreview {
  /** In the order in which the dispatcher would give them. */
  starts: {
    jobId: string
    jobName: string
    copyNumber: number
    printerId: string
    printerName: string
  }[]
  /** Jobs with copies that no printer would take now, first come first. */
  waiting: {
    jobId: string
    jobName: string
    copies: number
    /** One entry per code, with the first printer's params, and at how many printers it is in the way. */
    reasons: {
      code: string
      params: {
        [key: string]: unknown
      }
      text: string
      printers: number
    }[]
  }[]
  /** Whether more jobs wait than were looked at or are listed. */
  more: boolean
  evaluatedAt: Date
}

/** What became of one mail to one address. What it says is kept nowhere. */
export interface EmailMessage {
  id: string
  /** The same key to the same address is one mail. */
  key: string
  to: string
  template: string
  subject: string
  state: EmailState
  /** Why it was skipped or failed, or why the last try did not succeed. */
  reason: string | null
  tries: number
  createdAt: Date
  updatedAt: Date
  sentAt: Date | null
}

/** `skipped`: no mail server was set when its turn came. */
export type EmailState = 'failed' | 'sending' | 'sent' | 'skipped'

/**
 * The body of every failed answer: tRPC puts it in `error.data`, REST and uploads send it as `error`.
 * `fields` maps an input's path (`parts.0.targetQuantity`) to what is wrong with it.
 */
export interface ErrorBody {
  code: ErrorCode
  message: string
  params: {
    [key: string]: unknown
  }
  requestId: string
  retryable: boolean
  fields: {
    [key: string]: string[]
  } | null
  retryAfterSeconds: number | null
}

export type ErrorCode =
  | 'COMMAND_EXPIRED'
  | 'CROSS_SITE_REFUSED'
  | 'DEADLINE_EXCEEDED'
  | 'EXPORT_LIMIT_REACHED'
  | 'FILE_TOO_LARGE'
  | 'FORBIDDEN'
  | 'IDEMPOTENCY_KEY_REUSED'
  | 'INTERNAL'
  | 'INVALID_CREDENTIALS'
  | 'INVALID_STATE'
  | 'LINK_EXPIRED'
  | 'LINK_REFUSED'
  | 'METHOD_NOT_ALLOWED'
  | 'NAME_TAKEN'
  | 'NOT_3MF'
  | 'NOT_FOUND'
  | 'NOT_GCODE'
  | 'NOT_SLICED'
  | 'PASSWORD_REFUSED'
  | 'PRINTER_ADDRESS_REFUSED'
  | 'PRINTER_AUTH_FAILED'
  | 'PRINTER_BUSY'
  | 'PRINTER_NOT_RECOGNISED'
  | 'PRINTER_OFFLINE'
  | 'PRINTER_REJECTED'
  | 'PRINTER_TIMEOUT'
  | 'PRINTER_UNREACHABLE'
  | 'PRINTER_UNSUPPORTED'
  | 'QUOTA_EXCEEDED'
  | 'RANGE_NOT_SATISFIABLE'
  | 'RATE_LIMITED'
  | 'REGISTRATION_CLOSED'
  | 'REQUEST_ABORTED'
  | 'REQUEST_TOO_LARGE'
  | 'SECOND_FACTOR_REQUIRED'
  | 'SESSION_ENDED'
  | 'SIGN_ON_FAILED'
  | 'SIGN_ON_REFUSED'
  | 'SIGN_ON_REQUIRED'
  | 'STORAGE_FULL'
  | 'UNAUTHENTICATED'
  | 'UNAVAILABLE'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'UPLOAD_TRUNCATED'
  | 'VALIDATION_FAILED'
  | 'VERSION_CONFLICT'

/** What an error of each code tells besides its text. Clients must bear that a server tells more. */
export interface ErrorParamsByCode {
  PRINTER_AUTH_FAILED: {
    /** What exactly, in English. */
    detail?: string
  }
  VALIDATION_FAILED: {
    /** What exactly, in English. */
    detail?: string
  }
  UNAUTHENTICATED: {
    [key: string]: never
  }
  INVALID_CREDENTIALS: {
    [key: string]: never
  }
  SECOND_FACTOR_REQUIRED: {
    [key: string]: never
  }
  SIGN_ON_FAILED: {
    reason: SignOnFailure
  }
  SIGN_ON_REFUSED: {
    reason: SignOnRefusal
  }
  SIGN_ON_REQUIRED: {
    [key: string]: never
  }
  SESSION_ENDED: {
    [key: string]: never
  }
  PASSWORD_REFUSED: {
    reason: PasswordRefusal
    /** What exactly, in English. */
    detail?: string
  }
  REGISTRATION_CLOSED: {
    [key: string]: never
  }
  FORBIDDEN: {
    /** `session`: a login of one's own, which no API key has. */
    needs:
      | 'alarms.manage'
      | 'alarms.read'
      | 'audit.read'
      | 'exports.create'
      | 'exports.farm'
      | 'exports.read'
      | 'files.read'
      | 'files.write'
      | 'jobs.manage'
      | 'jobs.read'
      | 'notifications.read'
      | 'notifications.send'
      | 'printJobs.manage'
      | 'printJobs.read'
      | 'printJobs.submit'
      | 'printers.control'
      | 'printers.manage'
      | 'printers.read'
      | 'projects.create'
      | 'projects.read'
      | 'projects.write'
      | 'session'
      | 'statistics.api'
      | 'statistics.read'
      | 'system.info'
      | 'system.manage'
      | 'system.read'
      | 'users.manage'
      | 'users.read'
      | 'webhooks.manage'
      | 'webhooks.read'
    /** The role of who asked, or `api_key`. */
    has?: string
  }
  CROSS_SITE_REFUSED: {
    missing: 'header' | 'origin'
  }
  NOT_FOUND: {
    resource: string
    id?: string
  }
  METHOD_NOT_ALLOWED: {
    allowed?: string[]
  }
  NAME_TAKEN: {
    name: string
  }
  VERSION_CONFLICT: {
    ifVersion: number
    version: number
  }
  INVALID_STATE: {
    /** What exactly, in English. */
    detail?: string
  }
  IDEMPOTENCY_KEY_REUSED: {
    [key: string]: never
  }
  NOT_GCODE: {
    reason: string
  }
  NOT_3MF: {
    reason: NotThreeMfReason
  }
  NOT_SLICED: {
    [key: string]: never
  }
  FILE_TOO_LARGE: {
    limitBytes: number
  }
  UPLOAD_TRUNCATED: {
    reason?: string
  }
  STORAGE_FULL: {
    [key: string]: never
  }
  QUOTA_EXCEEDED: {
    limitBytes: number
  }
  EXPORT_LIMIT_REACHED: {
    /** What exactly, in English. */
    detail?: string
  }
  LINK_REFUSED: {
    [key: string]: never
  }
  LINK_EXPIRED: {
    [key: string]: never
  }
  RANGE_NOT_SATISFIABLE: {
    [key: string]: never
  }
  REQUEST_TOO_LARGE: {
    what?: 'body' | 'headers' | 'url'
    limitBytes?: number
  }
  UNSUPPORTED_MEDIA_TYPE: {
    expected: string
  }
  RATE_LIMITED: {
    limit?: number
    of?: string
  }
  PRINTER_ADDRESS_REFUSED: {
    /** What exactly, in English. */
    detail?: string
  }
  PRINTER_UNREACHABLE: {
    /** What exactly, in English. */
    detail?: string
  }
  PRINTER_TIMEOUT: {
    /** What exactly, in English. */
    detail?: string
  }
  PRINTER_NOT_RECOGNISED: {
    /** What exactly, in English. */
    detail?: string
  }
  PRINTER_OFFLINE: {
    /** What exactly, in English. */
    detail?: string
  }
  PRINTER_BUSY: {
    /** What exactly, in English. */
    detail?: string
  }
  PRINTER_REJECTED: {
    /** What exactly, in English. */
    detail?: string
  }
  PRINTER_UNSUPPORTED: {
    /** What exactly, in English. */
    detail?: string
  }
  COMMAND_EXPIRED: {
    kind: PrinterCommandKind
  }
  DEADLINE_EXCEEDED: {
    what?: 'body' | 'headers'
  }
  REQUEST_ABORTED: {
    [key: string]: never
  }
  UNAVAILABLE: {
    reason?: 'identity_provider' | 'stopping'
  }
  INTERNAL: {
    [key: string]: never
  }
}

/** One JSON document, or a CSV file; a `full` export has several tables and is a ZIP of CSV files. */
export type ExportFormat = 'csv' | 'json'

/** What an export holds; `audit` are entries of the audit log; `full` is all of it, for one's own data also profile, sessions, keys, files and events. */
export type ExportKind = 'analytics' | 'attempts' | 'audit' | 'full' | 'jobs' | 'projects'

/** Whose: what belongs to the one who asks, or the whole farm's. */
export type ExportScope = 'farm' | 'own'

export type ExportState = 'expired' | 'failed' | 'queued' | 'ready' | 'running'

export interface FilamentFigures {
  /** Null: the file did not say. */
  material: string | null
  usedMm: number
  usedGrams: number
  /** An hour in UTC (`2026-11-27T08`) or a day in the installation's time zone (`2026-11-27`). */
  period: string
  begins: Date
}

/** What one tool of the file prints with. A tool that is set up but never extrudes has `lengthMm` 0. */
export interface FilamentUse {
  lengthMm: number | null
  weightGrams: number | null
  /** Upper-case name of the kind of plastic, such as `PLA`, `PETG` or `PA-CF`. */
  material: string | null
  /** The slicer's name of the filament profile. */
  name: string | null
  /** `#RRGGBB` in upper case. */
  color: string | null
}

/** What a file is: text that printers understand, or an archive of such texts with pictures and settings. */
export type FileFormat = '3mf' | 'gcode'

/** One immutable content of a file. */
export interface FileVersion {
  id: string
  number: number
  sha256: string
  sizeBytes: number
  format: FileFormat
  metadata: PrintFileMetadata
  hasThumbnail: boolean
  createdAt: Date
}

/** `/health`: for people and their monitoring. */
export interface Health {
  status: HealthStatus
  version: string
  /** Seconds since the process started. */
  uptime: number
  draining: boolean
  checks: {
    [key: string]: CheckState
  }
  eventLoopLagSeconds: number
}

/** `down`: what the server cannot do without is missing; `degraded`: something that it can. */
export type HealthStatus = 'degraded' | 'down' | 'ok'

export interface HeaterReading {
  heater: string
  kind: 'bed' | 'chamber' | 'other' | 'tool'
  actualCelsius: number | null
  targetCelsius: number | null
}

/** Somebody at an identity provider, who is let in as a user of this server. */
export interface Identity {
  id: string
  issuer: string
  subject: string
  /** As the provider had verified it at the last sign-on; null: it had not. */
  email: string | null
  createdAt: Date
  lastUsedAt: Date | null
}

export interface JobDetail {
  id: string
  type: string
  queue: string
  state: JobState
  /** True: it lies in the queue alone, and a sweep would find its work anyway. */
  isWakeUp: boolean
  /** 1 goes first; null goes before all that have one. */
  priority: number | null
  /** How often it was begun, or handed to the queue. */
  attemptsMade: number
  /** After how many it is dead; null when nobody here knows the type. */
  attemptsAllowed: number | null
  createdAt: Date
  /** When it is due; null when it is not delayed. */
  dueAt: Date | null
  startedAt: Date | null
  finishedAt: Date | null
  /** Why the last try failed. */
  error: string | null
  version: number
  /** Without what looks like a secret, by name or by form. */
  payload: unknown
  stack: string | null
  deduplicationId: string | null
}

/** Why a job's copies wait: its own holds, and what is in the way at each printer. */
export interface JobExplanation {
  jobId: string
  state: PrintJobState
  holds: ToldReason[]
  printers: {
    printerId: string
    printerName: string
    reasons: ToldReason[]
    evaluatedAt: Date
  }[]
}

/** What a printer must satisfy to get a copy. Empty lists and nulls ask for nothing. */
export interface JobRequirements {
  /** One per tool used, such as `['PLA']`. */
  materials: string[]
  nozzleDiameterMm: number | null
  sizeMm: {
    x: number
    y: number
    z: number
  } | null
  printerModels: string[]
  printerGroupIds: string[]
  /** What the file is; jobs from before there was a choice print g-code. */
  fileFormat: FileFormat
}

/** A job that comes again by itself. */
export interface JobSchedule {
  type: string
  queue: string
  /** `every 600 s` or `cron 0 6 * * *`. */
  times: string
  nextAt: Date
  /** The last slot that was ordered. */
  lastAt: Date | null
  lastJobId: string | null
  pausedAt: Date | null
  pausedById: string | null
}

export type JobState = 'active' | 'completed' | 'delayed' | 'failed' | 'waiting'

export interface JobSummary {
  id: string
  type: string
  queue: string
  state: JobState
  /** True: it lies in the queue alone, and a sweep would find its work anyway. */
  isWakeUp: boolean
  /** 1 goes first; null goes before all that have one. */
  priority: number | null
  /** How often it was begun, or handed to the queue. */
  attemptsMade: number
  /** After how many it is dead; null when nobody here knows the type. */
  attemptsAllowed: number | null
  createdAt: Date
  /** When it is due; null when it is not delayed. */
  dueAt: Date | null
  startedAt: Date | null
  finishedAt: Date | null
  /** Why the last try failed. */
  error: string | null
}

/** What was done to many jobs at once; `more` tells that some are left for another call. */
export interface JobsChanged {
  count: number
  more: boolean
}

/** `/healthz`: whether the process lives. */
export interface Liveness {
  status: 'ok' | 'unavailable'
  /** How late the event loop was at most, within the last seconds. */
  eventLoopLagSeconds: number
}

/** What is loaded in one slot (tool) of a printer. `colorHex` is `#RRGGBB`. */
export interface LoadedMaterial {
  slot: number
  material: string
  colorHex: string | null
}

export type LogLevel = 'debug' | 'error' | 'info' | 'silent' | 'warn'

/** Which lines the server's instances log. */
export interface LogLevelState {
  level: LogLevel
  /** What `LOG_LEVEL` says. */
  configured: LogLevel
  /** When it goes back to that by itself; null: it has not been changed. */
  until: Date | null
}

/** The ways in, for a page that logs in. */
export interface LoginMethods {
  password: boolean
  /** Whether people may make themselves an account. */
  registration: boolean
  /** Null: there is no identity provider. */
  signOn: {
    /** For the button. */
    name: string
    /** To be opened in the browser, with `return_to`. */
    url: string
  } | null
}

/** Why an archive is not taken for a 3MF, or not as it is. */
export type NotThreeMfReason =
  | 'checksum'
  | 'compression_ratio'
  | 'duplicate_name'
  | 'encrypted'
  | 'malformed'
  | 'not_3mf'
  | 'not_zip'
  | 'overlap'
  | 'picture'
  | 'too_large'
  | 'too_many_entries'
  | 'unsafe_name'
  | 'unsupported_entry'
  | 'xml'

export interface OwnIdentities {
  /** Without one, whatever asks for the password takes a fresh sign-on instead. */
  hasPassword: boolean
  items: Identity[]
}

/** `off`: it is not configured. */
export type PartState = 'degraded' | 'failed' | 'off' | 'ok'

/** How somebody gets to choose a password. */
export interface PasswordLink {
  purpose: 'invitation' | 'reset'
  expiresAt: Date
  /** Whether it is mailed to the user; else whoever asked has to pass `token` and `link` on. */
  isMailed: boolean
  token: string | null
  /** Null when it is mailed, or the server does not know how users reach it (`PUBLIC_URL`). */
  link: string | null
}

/** Why a password cannot be chosen. */
export type PasswordRefusal = 'common' | 'contains_email' | 'too_long' | 'too_short'

export interface Percentiles {
  p50: number | null
  p95: number | null
  p99: number | null
}

export type Permission =
  | 'alarms.manage'
  | 'alarms.read'
  | 'audit.read'
  | 'exports.create'
  | 'exports.farm'
  | 'exports.read'
  | 'files.read'
  | 'files.write'
  | 'jobs.manage'
  | 'jobs.read'
  | 'notifications.read'
  | 'notifications.send'
  | 'printJobs.manage'
  | 'printJobs.read'
  | 'printJobs.submit'
  | 'printers.control'
  | 'printers.manage'
  | 'printers.read'
  | 'projects.create'
  | 'projects.read'
  | 'projects.write'
  | 'statistics.api'
  | 'statistics.read'
  | 'system.info'
  | 'system.manage'
  | 'system.read'
  | 'users.manage'
  | 'users.read'
  | 'webhooks.manage'
  | 'webhooks.read'

export interface PrintFigures {
  started: number
  completed: number
  failed: number
  cancelled: number
  /** Given back before they had started. */
  revoked: number
  /** Of the attempts that ended in this period, whenever they had started. */
  printSeconds: number
  /** An hour in UTC (`2026-11-27T08`) or a day in the installation's time zone (`2026-11-27`). */
  period: string
  begins: Date
}

/** A name in the library, with its newest content. */
export interface PrintFile {
  id: string
  name: string
  latest: FileVersion
  version: number
  createdAt: Date
  updatedAt: Date
}

/** What a print file says about itself, read once when it is uploaded. Unknown is null. */
export interface PrintFileMetadata {
  slicer: {
    name: string
    version: string | null
  } | null
  estimatedPrintSeconds: number | null
  layerCount: number | null
  layerHeightMm: number | null
  firstLayerHeightMm: number | null
  objectHeightMm: number | null
  /** One entry per tool, in tool order. */
  filaments: FilamentUse[]
  filamentTotal: {
    lengthMm: number | null
    weightGrams: number | null
  }
  /** One entry per nozzle of the printer that the file was sliced for. */
  nozzleDiametersMm: number[]
  printerModel: string | null
  nozzleTemperatureCelsius: {
    firstLayer: number | null
    otherLayers: number | null
  }
  bedTemperatureCelsius: {
    firstLayer: number | null
    otherLayers: number | null
  }
  /** Where the nozzle extrudes while it moves, the purge line included. */
  boundingBox: {
    minMm: {
      x: number
      y: number
      z: number
    }
    maxMm: {
      x: number
      y: number
      z: number
    }
    sizeMm: {
      x: number
      y: number
      z: number
    }
  } | null
  thumbnails: PrintFileThumbnail[]
  /**
   * The plates of a 3MF that are sliced, lowest number first; everything else here is the first one's. Empty for files
   * that know no plates, as for all that were read before there were any.
   */
  plates: {
    /** As the slicer counts, from 1. */
    number: number
    estimatedPrintSeconds: number | null
    filamentTotal: {
      lengthMm: number | null
      weightGrams: number | null
    }
  }[]
}

export interface PrintFileThumbnail {
  widthPx: number
  heightPx: number
  format: 'jpg' | 'png' | 'qoi'
  sizeBytes: number
}

export interface PrintJob {
  id: string
  name: string
  state: PrintJobState
  fileVersionId: string
  projectId: string | null
  partId: string | null
  copies: number
  counts: CopyCounts
  priority: number
  requirements: JobRequirements
  holds: Reason[]
  version: number
  createdAt: Date
  updatedAt: Date
  finishedAt: Date | null
}

export type PrintJobEvent =
  | {
      type: 'changed'
      job: PrintJob
      attempt: Attempt | null
    }
  | {
      type: 'snapshot'
      resync: boolean
      jobs: PrintJob[]
    }

/** `newest` first, or the `queue`: only jobs with waiting copies, in the order in which they are given to printers. */
export type PrintJobOrder = 'newest' | 'queue'

export type PrintJobState = 'cancelled' | 'done' | 'failed' | 'held' | 'printing' | 'queued'

/** A printer as people configured it, with its live status. The host's key is write-only and never here. */
export interface Printer {
  id: string
  name: string
  kind: PrinterKind
  url: string
  hasApiKey: boolean
  model: string | null
  groupId: string | null
  locationId: string | null
  enabled: boolean
  nozzleDiameterMm: number | null
  buildVolume: BuildVolume | null
  materials: LoadedMaterial[]
  status: PrinterStatus
  version: number
  createdAt: Date
  updatedAt: Date
}

export type PrinterCommandKind = 'cancel' | 'emergency_stop' | 'pause' | 'resume'

/** What a printer waits for, and what it does instead. */
export interface PrinterExplanation {
  printerId: string
  printerName: string
  state: PrinterState
  /** What keeps it from any job; empty when it is free. */
  waitingFor: ToldReason[]
  /** What a person must release, with all that is known of it. */
  holds: ToldReason[]
  /** The copy in hand. `jobName` is null for a job that the caller may not see. */
  attempt: {
    id: string
    jobId: string
    jobName: string | null
    copyNumber: number | null
    state: AttemptState
  } | null
  /** The jobs at the head of the queue, first come first, and why the printer does not suit them; no reasons: it does. */
  queue: {
    jobId: string
    jobName: string
    reasons: ToldReason[]
  }[]
}

export type PrinterKind = 'moonraker' | 'octoprint'

/**
 * The state a person sees. `offline`: no trustworthy status. `finished`: a job is over and its bed not yet cleared.
 * `error`: needs service. `maintenance`: an operator took the idle printer out of service.
 */
export type PrinterState =
  'cancelling' | 'error' | 'finished' | 'idle' | 'maintenance' | 'offline' | 'paused' | 'pausing' | 'printing'

/**
 * The live view of one printer. `seq` grows by one with each change of one server's run (`boot`), so a client can
 * drop what arrives late.
 */
export interface PrinterStatus {
  printerId: string
  boot: string
  seq: number
  state: PrinterState
  stateSince: Date
  lastSeenAt: Date | null
  observed: string | null
  bed: BedState
  /** Since when the bed is so; `printers.clearBed` takes it as `ifBedSince`. */
  bedSince: Date
  maintenance: boolean
  dispatchable: boolean
  waitingFor: Reason[]
  attention: {
    text: string
    severity: 'error' | 'info' | 'warning'
  } | null
  heaters: HeaterReading[]
  print: CurrentPrint | null
}

/**
 * What the live streams send. Every stream begins with a `snapshot`; `changed` items follow. A stream of stored
 * events resumes after the cursor that came with the last item; when that is too old, it begins again with a snapshot
 * whose `resync` is true.
 */
export type PrinterStatusEvent =
  | {
      type: 'changed'
      printer: PrinterStatus
    }
  | {
      type: 'removed'
      printerId: string
    }
  | {
      type: 'snapshot'
      printers: PrinterStatus[]
    }

export interface PrinterTimeFigures {
  /** Null: of all printers together. */
  printerId: string | null
  state: PrinterState
  seconds: number
  /** An hour in UTC (`2026-11-27T08`) or a day in the installation's time zone (`2026-11-27`). */
  period: string
  begins: Date
}

export interface PrintersHealth {
  /** Printers that are registered and enabled; null while the database does not say. */
  enabled: number | null
  /** Their host reports, and has its printer. */
  connected: number
  /** They are driven, and their host or its printer cannot be reached. */
  disconnected: number
  /** Nothing was heard of them for so long that nobody seems to drive them. */
  stale: number
}

export interface Project {
  id: string
  name: string
  status: ProjectStatus
  dueAt: Date | null
  parts: ProjectPart[]
  version: number
  createdAt: Date
  updatedAt: Date
}

/** `projects.onChange`. The snapshot holds the newest; what only print jobs change of a project is told by those. */
export type ProjectEvent =
  | {
      type: 'project.created' | 'project.updated'
      project: Project
    }
  | {
      type: 'project.deleted'
      projectId: string
    }
  | {
      type: 'snapshot'
      resync: boolean
      projects: Project[]
    }

export interface ProjectPart {
  id: string
  name: string
  fileVersionId: string
  targetQuantity: number
  completedQuantity: number
  /** Copies that print jobs of this part still stand for. */
  orderedQuantity: number
  status: ProjectStatus
}

export type ProjectStatus = 'done' | 'in_progress' | 'todo'

export interface QueueCleanup {
  success: true
  data: {
    [key: string]: {
      completed: number
      failed: number
      /** Finished jobs that others left in the queue itself; null when the queue did not answer. */
      stale: number | null
    }
  }
}

/** How one queue does. The first five fields are those that clients of old know. */
export interface QueueStatistics {
  /** Due, and not begun yet. */
  waiting: number
  /** Running now. */
  active: number
  /** Done within 24 hours. */
  completed: number
  /** Dead: they wait for a person. */
  failed: number
  /** Not due yet, among them those that are tried again later. */
  delayed: number
  paused: boolean
  /** False: only dead jobs are left of it, of a type that this version does not know. */
  isKnown: boolean
  /** How long the job that has been due longest has waited; null when none waits. */
  oldestAgeSeconds: number | null
  /** Runs that ended, on average of the last 15 minutes. */
  throughputPerMinute: number
  /** How long jobs of the last 15 minutes waited after they were due, and how long they ran; exact to about 15 %. */
  waitMs: Percentiles
  runMs: Percentiles
  /** Runs that ended in each of the last 60 minutes, the present one last. */
  lastHour: number[]
}

export interface QueuesHealth {
  /** False: the queues did not answer in time. */
  reachable: boolean
  /** Over all queues. */
  failed: number
  lagSeconds: number | null
  queues: {
    [key: string]: {
      waiting: number
      active: number
      delayed: number
      /** Dead jobs, which wait for a person. */
      failed: number
      paused: boolean
      /** How long the job that has been due longest has waited; null when none waits. */
      lagSeconds: number | null
    }
  }
}

/** `/ready`: whether requests may be sent here. */
export interface Readiness {
  status: 'degraded' | 'ok' | 'unavailable'
  /** The server is about to stop. */
  draining: boolean
  checks: {
    [key: string]: CheckState
  }
}

export type Reason =
  | {
      code: 'ATTEMPT_UNKNOWN'
      params: {
        attemptId: string
      }
    }
  | {
      code: 'BED_OCCUPIED'
      params: {
        sinceIso: string | null
      }
    }
  | {
      code: 'BEHIND_IN_QUEUE'
      params: {
        [key: string]: never
      }
    }
  | {
      code: 'CANCELLED_AT_PRINTER'
      params: {
        attemptId: string
      }
    }
  | {
      code: 'CANCELLED_BY_USER'
      params: {
        [key: string]: never
      }
    }
  | {
      code: 'COPY_GIVEN_ELSEWHERE'
      params: {
        printerIds: string[]
      }
    }
  | {
      code: 'EMERGENCY_STOP'
      params: {
        [key: string]: never
      }
    }
  | {
      code: 'FILE_UNAVAILABLE'
      params: {
        fileVersionId: string
      }
    }
  | {
      code: 'FORMAT_MISMATCH'
      params: {
        has: string[]
        needs: string
      }
    }
  | {
      code: 'GROUP_MISMATCH'
      params: {
        needs: string[]
      }
    }
  | {
      code: 'HOST_NOT_DISPATCHABLE'
      params: {
        detail: string
      }
    }
  | {
      code: 'HOST_PERMISSION_MISSING'
      params: {
        permission: 'delete' | 'print' | 'upload'
        detail: string
      }
    }
  | {
      code: 'LEASE_LOST'
      params: {
        [key: string]: never
      }
    }
  | {
      code: 'MATERIAL_MISMATCH'
      params: {
        has: string[]
        needs: string[]
      }
    }
  | {
      code: 'MATERIAL_UNKNOWN'
      params: {
        needs: string[]
      }
    }
  | {
      code: 'MODEL_MISMATCH'
      params: {
        has: string | null
        needs: string[]
      }
    }
  | {
      code: 'NOZZLE_MISMATCH'
      params: {
        hasMm: number
        needsMm: number
      }
    }
  | {
      code: 'NOZZLE_UNKNOWN'
      params: {
        needsMm: number
      }
    }
  | {
      code: 'OUTCOME_UNKNOWN'
      params: {
        attemptId: string
      }
    }
  | {
      code: 'PRINTER_BUSY'
      params: {
        attemptId: string | null
      }
    }
  | {
      code: 'PRINTER_DISABLED'
      params: {
        [key: string]: never
      }
    }
  | {
      code: 'PRINTER_HELD'
      params: {
        code: string
      }
    }
  | {
      code: 'PRINTER_IN_MAINTENANCE'
      params: {
        [key: string]: never
      }
    }
  | {
      code: 'PRINTER_LOST'
      params: {
        attemptId: string
        detail: string | null
      }
    }
  | {
      code: 'PRINTER_NOT_READY'
      params: {
        state: string
      }
    }
  | {
      code: 'PRINTER_NOT_REPORTED'
      params: {
        [key: string]: never
      }
    }
  | {
      code: 'PRINTER_NOT_SERVED'
      params: {
        [key: string]: never
      }
    }
  | {
      code: 'PRINTER_OFFLINE'
      params: {
        detail: string | null
      }
    }
  | {
      code: 'PRINTER_RESTING'
      params: {
        untilIso: string
      }
    }
  | {
      code: 'PRINT_FAILED'
      params: {
        attemptId: string
        detail: string | null
      }
    }
  | {
      code: 'REASSIGNED_BY_USER'
      params: {
        toPrinterId: string | null
      }
    }
  | {
      code: 'RESOLVED_BY_PERSON'
      params: {
        userId: string
        printed: boolean
      }
    }
  | {
      code: 'SET_BY_PERSON'
      params: {
        note: string | null
      }
    }
  | {
      code: 'START_NOT_CONFIRMED'
      params: {
        attemptId: string
      }
    }
  | {
      code: 'START_REJECTED'
      params: {
        driverCode: string
        detail: string
      }
    }
  | {
      code: 'UPLOAD_FAILED'
      params: {
        driverCode: string
        detail: string
      }
    }
  | {
      code: 'VOLUME_TOO_SMALL'
      params: {
        axis: 'x' | 'y' | 'z'
        hasMm: number
        needsMm: number
      }
    }
  | {
      code: 'VOLUME_UNKNOWN'
      params: {
        [key: string]: never
      }
    }

export type ReasonCode =
  | 'ATTEMPT_UNKNOWN'
  | 'BED_OCCUPIED'
  | 'BEHIND_IN_QUEUE'
  | 'CANCELLED_AT_PRINTER'
  | 'CANCELLED_BY_USER'
  | 'COPY_GIVEN_ELSEWHERE'
  | 'EMERGENCY_STOP'
  | 'FILE_UNAVAILABLE'
  | 'FORMAT_MISMATCH'
  | 'GROUP_MISMATCH'
  | 'HOST_NOT_DISPATCHABLE'
  | 'HOST_PERMISSION_MISSING'
  | 'LEASE_LOST'
  | 'MATERIAL_MISMATCH'
  | 'MATERIAL_UNKNOWN'
  | 'MODEL_MISMATCH'
  | 'NOZZLE_MISMATCH'
  | 'NOZZLE_UNKNOWN'
  | 'OUTCOME_UNKNOWN'
  | 'PRINTER_BUSY'
  | 'PRINTER_DISABLED'
  | 'PRINTER_HELD'
  | 'PRINTER_IN_MAINTENANCE'
  | 'PRINTER_LOST'
  | 'PRINTER_NOT_READY'
  | 'PRINTER_NOT_REPORTED'
  | 'PRINTER_NOT_SERVED'
  | 'PRINTER_OFFLINE'
  | 'PRINTER_RESTING'
  | 'PRINT_FAILED'
  | 'REASSIGNED_BY_USER'
  | 'RESOLVED_BY_PERSON'
  | 'SET_BY_PERSON'
  | 'START_NOT_CONFIRMED'
  | 'START_REJECTED'
  | 'UPLOAD_FAILED'
  | 'VOLUME_TOO_SMALL'
  | 'VOLUME_UNKNOWN'

/** One of the last errors that nobody expected. What clients sent and stacks are in the log alone. */
export interface RecentError {
  /** The last time. */
  at: string
  code: string
  message: string
  /** How often the same was told. */
  times: number
  /** Of the last time; null outside of requests. */
  requestId: string | null
}

/** Shown once. */
export interface RecoveryCodes {
  recoveryCodes: string[]
}

/** A role that people made. */
export interface Role {
  id: string
  name: string
  permissions: Permission[]
  /** How many users have it. */
  users: number
  version: number
  createdAt: Date
}

/** Null: one that was ordered earlier is not done yet, so that no other was ordered. */
export interface ScheduleRun {
  jobId: string | null
}

/** Shown once: for the authenticator app, by hand or as a QR code of `uri`. */
export interface SecondFactorSeed {
  /** Base32. */
  secret: string
  /** `otpauth://totp/…` */
  uri: string
}

export interface SecondFactorStatus {
  enabled: boolean
  /** Of ten; each works once. */
  recoveryCodesLeft: number
}

/** Why nobody was let in by the identity provider: its user said no, it took too long, or what came back is not right. */
export type SignOnFailure = 'denied' | 'expired' | 'invalid'

/** Why somebody is not let in although the identity provider vouches for them. */
export type SignOnRefusal = 'account_exists' | 'disabled' | 'identity_taken' | 'no_email' | 'no_role'

/** What a sign-on that began with a `code_challenge` came back with, and what the challenge was made of (RFC 7636). */
export interface SignOnTicket {
  ticket: string
  codeVerifier: string
}

export type StatisticsUnit = 'day' | 'hour'

export interface StorageSpace {
  /** What the server's user may still write on the disk of the files. */
  freeBytes: number
  totalBytes: number
  /** Uploads are refused rather than that less than this stays free. */
  reservedBytes: number
}

/** How the farm does today, in the installation's time zone. */
export interface SystemBusiness {
  /** Users whose session was used within the last 15 minutes. */
  usersActive: number
  printsToday: {
    started: number
    completed: number
    failed: number
    cancelled: number
  }
  /** Of the prints that ended today as they should or failed, 0–1; null when none did. */
  successRate: number | null
  /** Of the time today in which printers were driven, the share in which they printed, 0–1; null when none was. */
  printerUtilisation: number | null
  /** Printers by state; `disabled`: switched off by people. States that none has are left out. */
  printers: {
    [key: string]: number
  }
  /** Copies that wait for a printer, and how long the oldest job of them has been there; 0 when none waits. */
  queuedCopies: number
  oldestQueuedSeconds: number
  /** Open alarms by code. */
  alarms: {
    [key: string]: number
  }
}

export interface SystemInfo {
  version: string
  startedAt: Date
  uptimeSeconds: number
  instanceId: string
  roles: string[]
  database: 'embedded' | 'external'
  timeZone: string
}

/** Numbers for people and scripts. `performance` and `cache` are of the process that answers, the others of all. */
export interface SystemMetrics {
  at: Date
  instanceId: string
  uptimeSeconds: number
  /** Null: metrics are switched off. */
  performance: SystemPerformance | null
  cache: CacheStats
  database: DatabaseHealth
  /** By name; null while the database does not answer. */
  queues: {
    [key: string]: QueueStatistics
  } | null
  business: SystemBusiness | null
}

/** What the process that answers did in the last minutes. */
export interface SystemPerformance {
  /** The time that the numbers are of; shorter than five minutes when it has just been started. */
  windowSeconds: number
  /** Of every kind, file transfers and probes included; live streams count when they end. */
  requests: {
    calls: number
    /** Calls that were answered with an error of any kind, and among them those that were the server's fault. */
    errors: number
    failures: number
    callsPerSecond: number
    /** Shares of the calls, 0–1; null without calls. */
    errorRate: number | null
    failureRate: number | null
    /** How long they took; exact to about 15 %. */
    tookMs: Percentiles
  }
  /** Those that were called, the most called first. */
  procedures: {
    calls: number
    /** Calls that were answered with an error of any kind, and among them those that were the server's fault. */
    errors: number
    failures: number
    callsPerSecond: number
    /** Shares of the calls, 0–1; null without calls. */
    errorRate: number | null
    failureRate: number | null
    /** How long they took; exact to about 15 %. */
    tookMs: Percentiles
    procedure: string
  }[]
}

/** A fresh pair of tokens. The refresh token works once; `accessToken` goes into `Authorization: Bearer`. */
export interface TokenPair {
  accessToken: string
  accessTokenExpiresAt: Date
  refreshToken: string
  refreshTokenExpiresAt: Date
}

/** A reason as people read it: code and params, and the English sentence for them. */
export interface ToldReason {
  code: string
  params: {
    [key: string]: unknown
  }
  text: string
}

/** An account, as admins see it. */
export interface UserAccount {
  id: string
  email: string
  displayName: string
  role: UserRole
  state: UserState
  disabledAt: Date | null
  version: number
  createdAt: Date
  updatedAt: Date
}

/** What one user did on one day of the installation's time zone. */
export interface UserActivity {
  day: string
  event: string
  count: number
}

export type UserRole = 'admin' | 'operator' | 'viewer'

/** What of the farm a user sees. */
export interface UserScope {
  userId: string
  /** Printers of these groups, and of the groups that these locations have at the time; null: all printers. */
  printers: {
    groupIds: string[]
    locationIds: string[]
  } | null
  /** Null: all projects. What belongs to no project is seen by who made it. */
  projectIds: string[] | null
  /** 0 until it is set for the first time. */
  version: number
}

/** A login that goes on. */
export interface UserSession {
  id: string
  /** What the browser or the program says it is. */
  device: string | null
  /** From where it was begun. */
  address: string | null
  createdAt: Date
  /** When its tokens were last renewed. */
  lastUsedAt: Date
  /** Unless its tokens are renewed before. */
  expiresAt: Date
  /** Whether it is the one that asks. */
  isCurrent: boolean
}

/** `invited`: has neither chosen a password nor signed on yet. */
export type UserState = 'active' | 'disabled' | 'invited'

/** A URL to which events are posted. Its secret is shown when it is made, and never again. */
export interface Webhook {
  id: string
  url: string
  description: string
  eventTypes: WebhookSubscription[]
  /** Alarms below it are not posted. */
  minSeverity: AlarmSeverity
  enabled: boolean
  disabledAt: Date | null
  disabledReason: WebhookDisabledReason | null
  /** Tries that failed since the last one that arrived. */
  consecutiveFailures: number
  failingSince: Date | null
  /** Until then the secret before the present one signs too. */
  previousSecretUntil: Date | null
  version: number
  createdAt: Date
  updatedAt: Date
}

/** One event on its way to one webhook. */
export interface WebhookDelivery {
  id: string
  webhookId: string
  eventType: string
  /** What is posted, and the same at every try. */
  payload: {
    [key: string]: unknown
  }
  state: WebhookDeliveryState
  attempts: number
  /** What the receiver answered last; null when it gave no answer. */
  lastStatus: number | null
  lastError: {
    code: WebhookErrorCode
    detail: string
  } | null
  /** The beginning of the last answer. */
  responseExcerpt: string | null
  /** About when it is tried again: each pause varies by half. */
  nextTryAt: Date | null
  createdAt: Date
  lastTriedAt: Date | null
  finishedAt: Date | null
}

export type WebhookDeliveryState = 'delivered' | 'failed' | 'pending'

/**
 * Why a webhook is switched off: a person did it, its receiver answered 410, or nothing that was sent to it within a
 * day arrived.
 */
export type WebhookDisabledReason = 'by_person' | 'failing' | 'gone'

/** Why a try did not arrive. */
export type WebhookErrorCode =
  'ADDRESS_REFUSED' | 'DISABLED' | 'INTERRUPTED' | 'PROTOCOL' | 'STATUS' | 'TIMEOUT' | 'UNREACHABLE'

export type WebhookEventType =
  | 'alarm.acknowledged'
  | 'alarm.cleared'
  | 'alarm.raised'
  | 'attempt.changed'
  | 'file.created'
  | 'file.removed'
  | 'print_job.changed'
  | 'print_job.created'
  | 'printer.bed_changed'
  | 'printer.created'
  | 'printer.held'
  | 'printer.released'
  | 'printer.removed'
  | 'printer.state_changed'
  | 'printer.updated'
  | 'project.created'
  | 'project.deleted'
  | 'project.updated'

/** What a webhook is subscribed to: named events, or `*` for all of them. */
export type WebhookSubscription =
  | '*'
  | 'alarm.acknowledged'
  | 'alarm.cleared'
  | 'alarm.raised'
  | 'attempt.changed'
  | 'file.created'
  | 'file.removed'
  | 'print_job.changed'
  | 'print_job.created'
  | 'printer.bed_changed'
  | 'printer.created'
  | 'printer.held'
  | 'printer.released'
  | 'printer.removed'
  | 'printer.state_changed'
  | 'printer.updated'
  | 'project.created'
  | 'project.deleted'
  | 'project.updated'

/** `secret` is what its receiver verifies with; it is in no later answer. */
export interface WebhookWithSecret {
  id: string
  url: string
  description: string
  eventTypes: WebhookSubscription[]
  /** Alarms below it are not posted. */
  minSeverity: AlarmSeverity
  enabled: boolean
  disabledAt: Date | null
  disabledReason: WebhookDisabledReason | null
  /** Tries that failed since the last one that arrived. */
  consecutiveFailures: number
  failingSince: Date | null
  /** Until then the secret before the present one signs too. */
  previousSecretUntil: Date | null
  version: number
  createdAt: Date
  updatedAt: Date
  secret: string
}

/** A failed call as tRPC sends it. */
export interface ErrorShape {
  code:
    | -32001
    | -32002
    | -32003
    | -32004
    | -32005
    | -32008
    | -32009
    | -32012
    | -32013
    | -32015
    | -32022
    | -32028
    | -32029
    | -32099
    | -32600
    | -32603
    | -32700
  message: string
  data: ErrorBody
}

interface Definition<I, O> {
  input: I
  output: O
  meta: unknown
  errorShape: ErrorShape
}
/** An item of a stream with its cursor. */
export interface Tracked<T> {
  id: string
  data: T
}
export type Query<I, O> = TRPCQueryProcedure<Definition<I, O>>
export type Mutation<I, O> = TRPCMutationProcedure<Definition<I, O>>
export type Subscription<I, O> = TRPCSubscriptionProcedure<Definition<I, AsyncIterable<O>>>

/** Everything that clients can call, by noun and verb. */
export type Procedures = {
  alarms: {
    /** List open alarms, newest first. */
    list: Query<
      {
        includeCleared?: boolean
        limit?: number
        cursor?: string
      },
      {
        items: Alarm[]
        nextCursor: string | null
      }
    >
    /** Say that an alarm was seen. */
    acknowledge: Mutation<
      {
        id: string
      },
      Alarm
    >
    /** Says that it is dealt with. Should the cause come again, so does the alarm. */
    clear: Mutation<
      {
        id: string
      },
      Alarm
    >
    /** A snapshot of the open alarms, then every change; resumes after the last event's id. */
    onChange: Subscription<
      | {
          lastEventId?: string
        }
      | undefined,
      Tracked<AlarmEvent>
    >
  }
  apiKeys: {
    /** List your API keys, newest first. */
    list: Query<
      void,
      {
        items: ApiKey[]
      }
    >
    /** Takes the user's password once more. The answer holds the key; it is shown this once. */
    create: Mutation<
      {
        name: string
        scopes: Permission[]
        /** The user's own, once more; an account without one signs on afresh instead. */
        password?: string
        printerGroupIds?: string[]
        projectIds?: string[]
        expiresAt?: Date | null
      },
      ApiKeyWithSecret
    >
    /** One's own; who manages users may revoke those of users who may no more than they do. */
    revoke: Mutation<
      {
        id: string
      },
      void
    >
  }
  attempts: {
    /** One try to print one copy. */
    get: Query<
      {
        id: string
      },
      Attempt
    >
    /** A person says what became of a copy of which no host can tell. */
    resolve: Mutation<
      {
        id: string
        printed: boolean
      },
      Attempt
    >
    /**
     * Takes a copy away from its printer, and queues it again for `printerId`, or for any other. What has not begun is
     * given back; what runs is cancelled first, and waits again only when its end is proven.
     */
    reassign: Mutation<
      {
        id: string
        printerId?: string
      },
      Attempt
    >
  }
  audit: {
    /** What is sealed: a change is in it a second or two after it was made. */
    list: Query<
      {
        actorId?: string
        /** A whole name, or the beginning of several with its dot: `printers.` */
        action?: string
        outcome?: AuditOutcome
        targetType?: string
        /** Whatever an entry is about, not only its main target. */
        targetId?: string
        ip?: string
        /** Not before. */
        from?: Date
        /** Before. */
        to?: Date
        limit?: number
        cursor?: string
      },
      {
        items: AuditEntry[]
        nextCursor: string | null
      }
    >
  }
  auth: {
    /** For a page that logs in. */
    methods: Query<void, LoginMethods>
    /** Log in with e-mail and password. */
    login: Mutation<
      {
        email: string
        password: string
        /** Of the second factor, or a recovery code; asked for with `SECOND_FACTOR_REQUIRED`. */
        code?: string
      },
      {
        accessToken: string
        accessTokenExpiresAt: Date
        refreshToken: string
        refreshTokenExpiresAt: Date
        user: CurrentUser
      }
    >
    /** Answers alike whether or not the address is taken (docs/reference/users.md). */
    register: Mutation<
      {
        email: string
        password: string
        displayName?: string
      },
      CurrentUser
    >
    /** Each refresh token works once; the answer holds the next. */
    refresh: Mutation<
      {
        refreshToken: string
      },
      TokenPair
    >
    /** The tokens go into cookies that no script reads, and stand nowhere in the answer. */
    beginBrowserSession: Mutation<
      {
        email: string
        password: string
        /** Of the second factor, or a recovery code; asked for with `SECOND_FACTOR_REQUIRED`. */
        code?: string
      },
      {
        accessTokenExpiresAt: Date
        refreshTokenExpiresAt: Date
        user: CurrentUser
      }
    >
    /** Change the cookies for new ones. */
    renewBrowserSession: Mutation<void, BrowserSession>
    /** For clients without cookies: the ticket of a sign-on that began with a `code_challenge`. */
    exchangeSignOn: Mutation<
      SignOnTicket,
      {
        accessToken: string
        accessTokenExpiresAt: Date
        refreshToken: string
        refreshTokenExpiresAt: Date
        user: CurrentUser
      }
    >
    /** Cookies alone are enough when the access token is over; they are taken away in any case. */
    logout: Mutation<void, void>
    /** Who is logged in. */
    me: Query<void, CurrentUser>
    /** Another address needs the password. */
    updateProfile: Mutation<
      {
        displayName?: string
        email?: string
        currentPassword?: string
      },
      CurrentUser
    >
    /** Ends all other sessions, and one's API keys if that is wanted. */
    changePassword: Mutation<
      {
        currentPassword: string
        newPassword: string
        /** Whether one's API keys end, too. */
        revokeApiKeys?: boolean
      },
      void
    >
    /** Answers alike whether or not somebody has the address. */
    requestPasswordReset: Mutation<
      {
        email: string
      },
      void
    >
    /** Ends all sessions, and the user's API keys unless they are to go on. */
    resetPassword: Mutation<
      {
        token: string
        password: string
        /** Whether the user's API keys end, too. */
        revokeApiKeys?: boolean
      },
      void
    >
    /** Choose the first password. */
    acceptInvitation: Mutation<
      {
        token: string
        password: string
      },
      void
    >
    /** For oneself. Opting out also removes what was counted so far. */
    setAnalyticsOptOut: Mutation<
      {
        optOut: boolean
      },
      CurrentUser
    >
  }
  dispatch: {
    /** Claims nothing: what starts in the end may differ, since printers and queue change meanwhile. */
    preview: Query<
      {
        limit?: number
      },
      DispatchPreview
    >
  }
  exports: {
    /** List your exports, newest first. */
    list: Query<
      {
        limit?: number
        cursor?: string
      },
      {
        items: DataExport[]
        nextCursor: string | null
      }
    >
    /** How far an export is, and a link to its file. */
    get: Query<
      {
        id: string
      },
      DataExport
    >
    /** One's own data; what belongs to the whole farm is for admins. */
    create: Mutation<
      {
        kind: ExportKind
        /** `farm` is for admins. */
        scope?: ExportScope
        format?: ExportFormat
        idempotencyKey?: string
      },
      DataExport
    >
    /** Cancel or delete an export. */
    remove: Mutation<
      {
        id: string
      },
      void
    >
  }
  files: {
    /** List print files, newest first. */
    list: Query<
      {
        limit?: number
        cursor?: string
      },
      {
        items: PrintFile[]
        nextCursor: string | null
      }
    >
    /** One print file with its newest version. */
    get: Query<
      {
        id: string
      },
      PrintFile
    >
    /** The newest hundred versions of a file. */
    versions: Query<
      {
        id: string
      },
      {
        items: FileVersion[]
      }
    >
    /** Refused while unfinished print jobs need the file. */
    remove: Mutation<
      {
        id: string
      },
      void
    >
  }
  identities: {
    /** By which identities one signs on. */
    list: Query<void, OwnIdentities>
    /** With the ticket of a sign-on that began with `purpose=link`. */
    link: Mutation<
      {
        ticket: string
        codeVerifier: string
        password?: string
      },
      OwnIdentities
    >
    /** Sign on by it no more. */
    unlink: Mutation<
      {
        id: string
        password?: string
      },
      OwnIdentities
    >
  }
  notifications: {
    /** List mails and what became of them, newest first. */
    emails: Query<
      {
        state?: EmailState
        limit?: number
        cursor?: string
      },
      {
        items: EmailMessage[]
        nextCursor: string | null
      }
    >
    /** What becomes of it is seen among the mails, by the id. */
    sendTestEmail: Mutation<
      void,
      {
        id: string
      }
    >
  }
  jobs: {
    /** List the jobs in a state. */
    list: Query<
      {
        state: JobState
        queue?: string
        limit?: number
        cursor?: string
      },
      {
        items: JobSummary[]
        nextCursor: string | null
      }
    >
    /** One job with its payload and error. */
    get: Query<
      {
        id: string
      },
      JobDetail
    >
    /** Order a dead job anew. */
    retry: Mutation<
      {
        id: string
      },
      void
    >
    /** Order every dead job of a type anew. */
    retryAll: Mutation<
      {
        type: string
      },
      JobsChanged
    >
    /** Throw a dead or waiting job away. */
    discard: Mutation<
      {
        id: string
      },
      void
    >
    /** Throw every dead job of a type away. */
    discardAll: Mutation<
      {
        type: string
      },
      JobsChanged
    >
    /** Jobs that come by themselves. */
    schedules: Query<void, JobSchedule[]>
    /** Order it no more. */
    pauseSchedule: Mutation<
      {
        type: string
      },
      void
    >
    /** Order it again from the next slot on. */
    resumeSchedule: Mutation<
      {
        type: string
      },
      void
    >
    /** Order it now. */
    runSchedule: Mutation<
      {
        type: string
      },
      ScheduleRun
    >
    /** How every queue does: counts now, completed jobs of 24 hours, pace and durations of the last 15 minutes. */
    queues: Query<void, AllQueueStatistics>
    /** Remove finished jobs, and what was left in the queues. */
    cleanup: Mutation<
      {
        olderThanHours?: number
        states?: ('completed' | 'failed')[]
      },
      QueueCleanup
    >
    /** Let a queue rest. */
    pauseQueue: Mutation<
      {
        queue: string
      },
      void
    >
    /** Let a queue go on. */
    resumeQueue: Mutation<
      {
        queue: string
      },
      void
    >
  }
  printers: {
    /** Printers, newest first, with their live status. */
    list: Query<
      {
        groupId?: string
        limit?: number
        cursor?: string
      },
      {
        items: Printer[]
        nextCursor: string | null
      }
    >
    /** One printer. */
    get: Query<
      {
        id: string
      },
      Printer
    >
    /** What it waits for, what it has in hand, and how the jobs at the head of the queue suit it. */
    explain: Query<
      {
        id: string
        limit?: number
      },
      PrinterExplanation
    >
    /** Connects to the host first, unless told not to; a wrong URL or key is refused with the field named. */
    create: Mutation<
      {
        name: string
        kind: PrinterKind
        url: string
        apiKey?: string
        model?: string
        groupId?: string
        locationId?: string
        nozzleDiameterMm?: number
        buildVolume?: BuildVolume
        materials?: {
          material: string
          slot?: number
          colorHex?: string | null
        }[]
        /** Whether to connect to the host before it is stored; turn off to register a printer that is switched off. */
        checkConnection?: boolean
        idempotencyKey?: string
      },
      Printer
    >
    /** Change a printer. */
    update: Mutation<
      {
        id: string
        ifVersion?: number
        name?: string
        url?: string
        apiKey?: string | null
        model?: string | null
        groupId?: string | null
        locationId?: string | null
        enabled?: boolean
        maintenance?: boolean
        checkConnection?: boolean
        nozzleDiameterMm?: number | null
        buildVolume?: BuildVolume | null
      },
      Printer
    >
    /** Remove a printer; its history stays. */
    remove: Mutation<
      {
        id: string
      },
      void
    >
    /** Says what is loaded, slot by slot; replaces what was said before. */
    setMaterials: Mutation<
      {
        id: string
        materials: {
          material: string
          slot?: number
          colorHex?: string | null
        }[]
        ifVersion?: number
      },
      Printer
    >
    /** The person at the printer says that the bed is empty. */
    clearBed: Mutation<
      {
        id: string
        /** Refused with `INVALID_STATE` when something else lies on the bed than since then (`status.bedSince`). */
        ifBedSince?: Date
      },
      Printer
    >
    /** Give the printer no further jobs. */
    hold: Mutation<
      {
        id: string
        note?: string
      },
      Printer
    >
    /** Release every hold on the printer. */
    release: Mutation<
      {
        id: string
        /** Refused with `INVALID_STATE` when something else lies on the bed than since then (`status.bedSince`). */
        ifBedSince?: Date
      },
      Printer
    >
    /** Pause the running print. */
    pause: Mutation<
      {
        id: string
      },
      Printer
    >
    /** Resume the paused print. */
    resume: Mutation<
      {
        id: string
      },
      Printer
    >
    /** Cancel the running print. */
    cancel: Mutation<
      {
        id: string
      },
      Printer
    >
    /** Stop the machine at once. */
    emergencyStop: Mutation<
      {
        id: string
      },
      Printer
    >
    /** The live status of every visible printer: all of them first, then each change. */
    onStatus: Subscription<void, PrinterStatusEvent>
  }
  printJobs: {
    /** List print jobs, or the queue. */
    list: Query<
      {
        order?: PrintJobOrder
        state?: PrintJobState
        projectId?: string
        limit?: number
        cursor?: string
      },
      {
        items: PrintJob[]
        nextCursor: string | null
      }
    >
    /** One print job. */
    get: Query<
      {
        id: string
      },
      PrintJob
    >
    /** Orders copies of a project's part (all that are missing unless said otherwise) or of a file. */
    submit: Mutation<
      {
        source:
          | {
              fileId: string
              copies: number
              name?: string
            }
          | {
              partId: string
              copies?: number
            }
        priority?: number
        printerGroupIds?: string[]
        idempotencyKey?: string
      },
      PrintJob
    >
    /** Why its copies wait: the job's own holds, and what is in the way at each printer. */
    explain: Query<
      {
        id: string
      },
      JobExplanation
    >
    /** The tries to print its copies, newest first. */
    attempts: Query<
      {
        id: string
      },
      {
        items: Attempt[]
      }
    >
    /** Refused when a copy is with a printer and what it prints on would change, or by who read an older version. */
    update: Mutation<
      {
        id: string
        ifVersion?: number
        name?: string
        priority?: number
        copies?: number
        requirements?: {
          materials?: string[]
          nozzleDiameterMm?: number | null
          printerModels?: string[]
          printerGroupIds?: string[]
        }
      },
      PrintJob
    >
    /** Takes back the copies that are not printed yet, and stops those that print. */
    cancel: Mutation<
      {
        id: string
      },
      PrintJob
    >
    /** A person has looked: held copies wait for a printer again, and reassigned ones may go to any. */
    release: Mutation<
      {
        id: string
      },
      PrintJob
    >
    /** A snapshot of all unfinished jobs, then every change; resumes after the last event's id. */
    onChange: Subscription<
      | {
          lastEventId?: string
        }
      | undefined,
      Tracked<PrintJobEvent>
    >
  }
  projects: {
    /** List projects, newest first. */
    list: Query<
      {
        status?: ProjectStatus
        limit?: number
        cursor?: string
      },
      {
        items: Project[]
        nextCursor: string | null
      }
    >
    /** One project with its parts. */
    get: Query<
      {
        id: string
      },
      Project
    >
    /** Each part prints the newest version that its file has at this moment. */
    create: Mutation<
      {
        name: string
        status?: ProjectStatus
        dueAt?: Date
        parts?: {
          name: string
          fileId: string
          targetQuantity: number
        }[]
        idempotencyKey?: string
      },
      Project
    >
    /** Change a project. */
    update: Mutation<
      {
        id: string
        ifVersion?: number
        name?: string
        status?: ProjectStatus
        dueAt?: Date | null
      },
      Project
    >
    /** Refused while the project has print jobs that are not over. */
    remove: Mutation<
      {
        id: string
      },
      void
    >
    /** A snapshot of the newest, then what people change; resumes after the last event's id. */
    onChange: Subscription<
      | {
          lastEventId?: string
        }
      | undefined,
      Tracked<ProjectEvent>
    >
    /** Add a part to a project. */
    addPart: Mutation<
      {
        id: string
        name: string
        fileId: string
        targetQuantity: number
        idempotencyKey?: string
      },
      Project
    >
  }
  secondFactor: {
    /** Whether logins need a code. */
    get: Query<void, SecondFactorStatus>
    /** A seed for the authenticator app, shown once. Nothing changes until `confirm` gets its first code. */
    begin: Mutation<
      {
        password?: string
      },
      SecondFactorSeed
    >
    /** From now on logins need a code. The recovery codes are shown once. */
    confirm: Mutation<
      {
        code: string
      },
      RecoveryCodes
    >
    /** Ten new recovery codes. */
    renewRecoveryCodes: Mutation<
      {
        code: string
        password?: string
      },
      RecoveryCodes
    >
    /** Log in by password alone again. */
    remove: Mutation<
      {
        code: string
        password?: string
      },
      void
    >
    /** For somebody else who has lost device and recovery codes; by a person, not by an API key. */
    reset: Mutation<
      {
        id: string
      },
      void
    >
  }
  roles: {
    /** List the roles that were made here. */
    list: Query<
      void,
      {
        items: Role[]
      }
    >
    /** Make a role of permissions. */
    create: Mutation<
      {
        name: string
        permissions: Permission[]
      },
      Role
    >
    /** Holds at once for everybody who has it. */
    update: Mutation<
      {
        id: string
        ifVersion?: number
        name?: string
        permissions?: Permission[]
      },
      Role
    >
    /** Refused while somebody has it. */
    remove: Mutation<
      {
        id: string
      },
      void
    >
    /** In place of the role that the user had, built-in or not. */
    assign: Mutation<
      {
        userId: string
        /** A built-in role by its name, or another by its id. */
        role: string
      },
      void
    >
  }
  sessions: {
    /** Where one is logged in. */
    list: Query<
      {
        limit?: number
        cursor?: string
      },
      {
        items: UserSession[]
        nextCursor: string | null
      }
    >
    /** End one of them. */
    revoke: Mutation<
      {
        id: string
      },
      void
    >
    /** End all of them but this. */
    revokeOthers: Mutation<
      void,
      {
        ended: number
      }
    >
  }
  statistics: {
    /** Attempts by outcome, and print seconds. */
    prints: Query<
      {
        /** The first period is the one that begins here or next. */
        from: Date
        /** Not included. */
        to: Date
        printerId?: string
        projectId?: string
        by?: StatisticsUnit
      },
      {
        timeZone: string
        items: PrintFigures[]
      }
    >
    /** Time of printers by state. */
    printers: Query<
      {
        /** The first period is the one that begins here or next. */
        from: Date
        /** Not included. */
        to: Date
        printerId?: string
        eachPrinter?: boolean
        by?: StatisticsUnit
      },
      {
        timeZone: string
        items: PrinterTimeFigures[]
      }
    >
    /** Filament used, by material. */
    filament: Query<
      {
        /** The first period is the one that begins here or next. */
        from: Date
        /** Not included. */
        to: Date
        printerId?: string
        by?: StatisticsUnit
      },
      {
        timeZone: string
        items: FilamentFigures[]
      }
    >
    /** Of all callers together: who called is not counted. */
    api: Query<
      {
        /** The first period is the one that begins here or next. */
        from: Date
        /** Not included. */
        to: Date
        eachProcedure?: boolean
        by?: StatisticsUnit
      },
      {
        timeZone: string
        items: ApiUseFigures[]
      }
    >
    /** Days and events of one user; empty for who opted out. */
    userActivity: Query<
      {
        userId: string
        fromDay: string
        toDay: string
      },
      {
        timeZone: string
        items: UserActivity[]
      }
    >
  }
  system: {
    /** What this installation is. */
    info: Query<void, SystemInfo>
    /** The cache of the instance that answers: what it holds, how often it was of use, and how Redis does. */
    cacheStats: Query<void, CacheStats>
    /** On every instance, until it is started again; then `CACHE_STRATEGY` holds. */
    setCacheStrategy: Mutation<
      {
        strategy: CacheStrategy
      },
      void
    >
    /** What the server logs. */
    logLevel: Query<void, LogLevelState>
    /** On every instance that runs now; each goes back to `LOG_LEVEL` by itself. */
    setLogLevel: Mutation<
      {
        /** A log that says nothing cannot be wanted from afar. */
        level: 'debug' | 'error' | 'info' | 'warn'
        minutes: number
      },
      LogLevelState
    >
    /** How this server reaches its database and the replicas of it. */
    databaseHealth: Query<void, DatabaseHealth>
    /** For people and scripts; over REST also for the bearer of the metrics token. Prometheus reads `/metrics`. */
    metrics: Query<void, SystemMetrics>
  }
  userScopes: {
    /** What of the farm a user sees. */
    get: Query<
      {
        userId: string
      },
      UserScope
    >
    /** Lists, single things, streams, files, exports, figures and orders are kept to it, and so are the user's API keys. */
    set: Mutation<
      {
        userId: string
        printers: {
          groupIds?: string[]
          locationIds?: string[]
        } | null
        projectIds: string[] | null
        ifVersion?: number
      },
      UserScope
    >
  }
  users: {
    /** List users, newest first. */
    list: Query<
      {
        role?: UserRole
        state?: UserState
        /** Part of the address or the name, in whatever case. */
        search?: string
        limit?: number
        cursor?: string
      },
      {
        items: UserAccount[]
        nextCursor: string | null
      }
    >
    /** One user. */
    get: Query<
      {
        id: string
      },
      UserAccount
    >
    /** With a password, or with an invitation: mailed, or in the answer where there is no mail server. */
    create: Mutation<
      {
        email: string
        role: UserRole
        displayName?: string
        /** Without one the user is invited, and chooses it. */
        password?: string
        idempotencyKey?: string
      },
      CreatedUser
    >
    /** Another role ends the user's sessions. */
    update: Mutation<
      {
        id: string
        ifVersion?: number
        displayName?: string
        role?: UserRole
      },
      UserAccount
    >
    /** Ends the user's sessions. */
    disable: Mutation<
      {
        id: string
      },
      UserAccount
    >
    /** Let a disabled user in again. */
    enable: Mutation<
      {
        id: string
      },
      UserAccount
    >
    /**
     * An invitation for who has no password yet, a reset for who has; the last link is over with it. For others than
     * oneself; by a person, not by an API key, since the answer may hold the link.
     */
    sendPasswordLink: Mutation<
      {
        id: string
      },
      PasswordLink
    >
    /** Where a user is logged in. */
    sessions: Query<
      {
        id: string
        limit?: number
        cursor?: string
      },
      {
        items: UserSession[]
        nextCursor: string | null
      }
    >
    /** End a login of a user. */
    revokeSession: Mutation<
      {
        id: string
        sessionId: string
      },
      void
    >
    /** Of oneself: all but this one. */
    revokeSessions: Mutation<
      {
        id: string
      },
      {
        ended: number
      }
    >
    /** By which identities a user signs on. */
    identities: Query<
      {
        id: string
      },
      {
        items: Identity[]
      }
    >
    /** Ends the user's sessions. */
    unlinkIdentity: Mutation<
      {
        id: string
        identityId: string
      },
      void
    >
    /** `apiKeys.revoke` ends one. */
    apiKeys: Query<
      {
        id: string
      },
      {
        items: ApiKey[]
      }
    >
    /** In the user's name: it counts among the user's exports. */
    orderExport: Mutation<
      {
        id: string
        format?: ExportFormat
      },
      DataExport
    >
    /** Its link is to all that is the user's. */
    getExport: Query<
      {
        id: string
        exportId: string
      },
      DataExport
    >
    /** For good; with a finished export of all their data, or the word that none is wanted. */
    delete: Mutation<
      {
        id: string
        /** A finished export of all of the user's data. */
        exportId?: string
        /** Says that none is wanted. */
        waiveExport?: boolean
      },
      void
    >
  }
  webhooks: {
    /** List webhooks, newest first. */
    list: Query<
      {
        limit?: number
        cursor?: string
      },
      {
        items: Webhook[]
        nextCursor: string | null
      }
    >
    /** One webhook. */
    get: Query<
      {
        id: string
      },
      Webhook
    >
    /** The answer holds the secret with which the receiver verifies what comes; it is shown this once. */
    create: Mutation<
      {
        url: string
        eventTypes: WebhookSubscription[]
        description?: string
        minSeverity?: AlarmSeverity
        idempotencyKey?: string
      },
      WebhookWithSecret
    >
    /** Switched off, it gives up what waits; switched on again, it gets what happens from then on. */
    update: Mutation<
      {
        id: string
        ifVersion?: number
        url?: string
        description?: string
        eventTypes?: WebhookSubscription[]
        minSeverity?: AlarmSeverity
        /** Switched on again, it gets what happens from then on. */
        enabled?: boolean
      },
      Webhook
    >
    /** Remove a webhook. */
    remove: Mutation<
      {
        id: string
      },
      void
    >
    /** For 24 hours the secret before it signs too; the answer holds the new one, this once. */
    rotateSecret: Mutation<
      {
        id: string
        idempotencyKey?: string
      },
      WebhookWithSecret
    >
    /** Posts a `webhook.test`; the delivery says how it went. */
    test: Mutation<
      {
        id: string
      },
      WebhookDelivery
    >
    /** Those of the last 30 days. */
    deliveries: Query<
      {
        id: string
        state?: WebhookDeliveryState
        limit?: number
        cursor?: string
      },
      {
        items: WebhookDelivery[]
        nextCursor: string | null
      }
    >
    /** Under the same id, at once, whatever became of it before. */
    redeliver: Mutation<
      {
        id: string
      },
      WebhookDelivery
    >
  }
}

/** The router's type, for clients and adapters that are built on tRPC themselves. */
export type AppRouter = TRPCBuiltRouter<
  { ctx: object; meta: object; errorShape: ErrorShape; transformer: true },
  TRPCDecorateCreateRouterOptions<Procedures>
>
