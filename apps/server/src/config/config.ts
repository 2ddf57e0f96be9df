import { resolve } from 'node:path'

import { readEnvFile } from './env-file.js'
import { ConfigError, readSettings } from './read-settings.js'
import type { Role } from './setting-types.js'
import type { SettingValues } from './settings.js'
import { signOnOf, type SignOnConfig } from './sign-on-config.js'

/** What the server was told at its start; typed, grouped by user and never changed afterwards. */
export interface Config {
  /** Absolute. */
  dataDir: string
  roles: readonly Role[]
  timeZone: string
  http: {
    host: string
    port: number
    publicUrl: string | null
    corsOrigins: readonly string[]
    /** Addresses, networks, `loopback` or `private`. */
    trustedProxies: readonly string[]
    rateLimitPerMinute: number
    maxUploadBytes: number
    /** Of one user. */
    uploadQuotaBytes: number
    docsPublic: boolean
    /** What `FLAG_*` says, by the name without its beginning. */
    flags: Readonly<Record<string, string>>
  }
  database: {
    /** Null: the embedded PostgreSQL. */
    url: string | null
    poolSize: number
    timeoutMs: number
    replicaUrls: readonly string[]
    /** No read comes from a replica that is older. */
    replicaMaxLagMs: number
  }
  cache: {
    strategy: SettingValues['CACHE_STRATEGY']
    /** Whether answers to queries are kept. */
    answers: boolean
    memory: { maxEntries: number; maxBytes: number }
    compressOverBytes: number
    /** Null: no Redis. */
    redis: { url: string; prefix: string } | null
  }
  jobs: {
    /** Where queues live; null: in PostgreSQL. */
    redis: { url: string; prefix: string; legacyPrefix: string | null } | null
  }
  auth: {
    /** 32 bytes; null: the server makes a key in the data directory. */
    secretKey: Uint8Array | null
    /** Open and verify; never seal or sign. */
    previousSecretKeys: readonly Uint8Array[]
    accessTokenSeconds: number
    refreshTokenDays: number
    sessionMaxDays: number
    /** How often tokens and sessions that are over are removed. */
    cleanupIntervalMs: number
    /** The account that the first start makes; without a password a random one is made. */
    firstAdmin: { email: string; password?: string }
    isRegistrationOpen: boolean
  }
  /** Null: people log in with passwords alone. */
  signOn: SignOnConfig | null
  audit: { retentionDays: number }
  printers: { allowedCidrs: readonly string[]; allowLoopback: boolean }
  /** Beside the public internet. */
  webhooks: { allowedCidrs: readonly string[]; allowLoopback: boolean }
  alarms: { heaterOnMinutes: number; bedNotClearedHours: number; outboxStuckMinutes: number }
  mail: {
    /** Null: no mail is sent. */
    smtpUrl: string | null
    from: SettingValues['MAIL_FROM']
    /** The least severe alarms that admins get. */
    alarmSeverity: SettingValues['ALARM_MAIL_SEVERITY']
  }
  shutdown: { drainMs: number }
  /** What is only shown. */
  installation: { env: string; commit: string | null }
  log: { level: SettingValues['LOG_LEVEL'] }
  /** Null: nothing is traced. */
  tracing: { endpoint: string; headers: Record<string, string>; service: string; ratio: number } | null
  errorReports: {
    /** Null: unexpected errors stand in the log alone. */
    dsn: string | null
    environment: string
  }
  metrics: {
    enabled: boolean
    token: string | null
    /** A listener of their own; null: none. */
    listener: { host: string; port: number } | null
  }
}

const tracingOf = (values: SettingValues): Config['tracing'] =>
  values.OTEL_EXPORTER_OTLP_ENDPOINT === null
    ? null
    : {
        endpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT,
        headers: values.OTEL_EXPORTER_OTLP_HEADERS,
        service: values.OTEL_SERVICE_NAME,
        ratio: values.OTEL_TRACES_SAMPLER_ARG,
      }

const metricsOf = (values: SettingValues): Config['metrics'] => ({
  enabled: values.ENABLE_METRICS,
  token: values.METRICS_TOKEN,
  listener: values.METRICS_PORT === null ? null : { host: values.METRICS_HOST, port: values.METRICS_PORT },
})

const authOf = (values: SettingValues): Config['auth'] => ({
  secretKey: values.GANTRY_SECRET_KEY,
  previousSecretKeys: values.GANTRY_SECRET_KEY_PREVIOUS,
  accessTokenSeconds: values.ACCESS_TOKEN_SECONDS,
  refreshTokenDays: values.REFRESH_TOKEN_DAYS,
  sessionMaxDays: values.SESSION_MAX_DAYS,
  cleanupIntervalMs: values.CLEANUP_INTERVAL_MS,
  firstAdmin: {
    email: values.GANTRY_ADMIN_EMAIL,
    ...(values.GANTRY_ADMIN_PASSWORD === null ? {} : { password: values.GANTRY_ADMIN_PASSWORD }),
  },
  isRegistrationOpen: values.REGISTRATION === 'open',
})

const grouped = (values: SettingValues, flags: Config['http']['flags'], cwd: string): Config => ({
  dataDir: resolve(cwd, values.GANTRY_DATA_DIR),
  roles: values.GANTRY_ROLES,
  timeZone: values.GANTRY_TIME_ZONE,
  http: {
    host: values.HOST,
    port: values.PORT,
    publicUrl: values.PUBLIC_URL,
    corsOrigins: values.CORS_ORIGINS,
    trustedProxies: values.TRUSTED_PROXIES,
    rateLimitPerMinute: values.RATE_LIMIT_PER_MINUTE,
    maxUploadBytes: values.MAX_UPLOAD_BYTES,
    uploadQuotaBytes: values.UPLOAD_QUOTA_BYTES,
    docsPublic: values.API_DOCS_PUBLIC,
    flags,
  },
  database: {
    url: values.DATABASE_URL,
    poolSize: values.DB_POOL_SIZE,
    timeoutMs: values.DB_TIMEOUT_MS,
    replicaUrls: values.READ_REPLICA_URLS,
    replicaMaxLagMs: values.REPLICA_MAX_LAG_MS,
  },
  cache: {
    strategy: values.CACHE_STRATEGY,
    answers: values.CACHE_ANSWERS,
    memory: { maxEntries: values.CACHE_MEMORY_ENTRIES, maxBytes: values.CACHE_MEMORY_BYTES },
    compressOverBytes: values.CACHE_COMPRESS_OVER_BYTES,
    redis: values.REDIS_URL === null ? null : { url: values.REDIS_URL, prefix: values.REDIS_PREFIX },
  },
  jobs: {
    redis:
      values.REDIS_URL === null
        ? null
        : { url: values.REDIS_URL, prefix: values.REDIS_PREFIX, legacyPrefix: values.LEGACY_QUEUE_PREFIX },
  },
  auth: authOf(values),
  signOn: signOnOf(values),
  audit: { retentionDays: values.AUDIT_RETENTION_DAYS },
  printers: { allowedCidrs: values.PRINTER_ALLOWED_CIDRS, allowLoopback: values.PRINTER_ALLOW_LOOPBACK },
  webhooks: { allowedCidrs: values.WEBHOOK_ALLOWED_CIDRS, allowLoopback: values.WEBHOOK_ALLOW_LOOPBACK },
  alarms: {
    heaterOnMinutes: values.ALARM_HEATER_ON_MINUTES,
    bedNotClearedHours: values.ALARM_BED_NOT_CLEARED_HOURS,
    outboxStuckMinutes: values.ALARM_OUTBOX_STUCK_MINUTES,
  },
  mail: { smtpUrl: values.SMTP_URL, from: values.MAIL_FROM, alarmSeverity: values.ALARM_MAIL_SEVERITY },
  shutdown: { drainMs: values.SHUTDOWN_DRAIN_SECONDS * 1_000 },
  installation: { env: values.NODE_ENV, commit: values.GANTRY_COMMIT },
  log: { level: values.LOG_LEVEL },
  tracing: tracingOf(values),
  errorReports: { dsn: values.SENTRY_DSN, environment: values.SENTRY_ENVIRONMENT },
  metrics: metricsOf(values),
})

const deepFreeze = <T extends object>(value: T): T => {
  // Typed arrays cannot be frozen.
  if (ArrayBuffer.isView(value)) return value
  for (const member of Object.values(value)) {
    if (typeof member === 'object' && member !== null) deepFreeze(member as object)
  }
  return Object.freeze(value)
}

const FLAG = /^FLAG_(\w{1,100})$/

/** Whatever their names are: they mean something to clients alone. */
const flagsIn = (environment: Environment): Config['http']['flags'] =>
  Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) => {
      const [, flag] = FLAG.exec(name) ?? []
      return flag === undefined || value === undefined || value === '' ? [] : [[flag, value]]
    }),
  )

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Reads the settings from an environment; what is unset or empty has its default.
 * @throws ConfigError naming every variable that is wrong, without the values of secrets
 */
export const configFrom = (environment: Environment, cwd: string): Config =>
  deepFreeze(grouped(readSettings(environment), flagsIn(environment), cwd))

/**
 * Reads the settings of this process: the real environment, and beneath it the file `.env` in the current folder.
 * @throws ConfigError
 */
export const loadConfig = (): Config => {
  const cwd = process.cwd()
  const real = Object.entries(process.env).filter(([, text]) => text !== undefined && text !== '')
  return configFrom({ ...readEnvFile(resolve(cwd, '.env')), ...Object.fromEntries(real) }, cwd)
}

export { ConfigError }
