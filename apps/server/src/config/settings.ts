import { alarmSeverity, cacheStrategy } from '@gantry/schemas'
import { z } from 'zod'

import {
  cidr,
  flag,
  headerList,
  httpUrl,
  list,
  mailbox,
  originUrl,
  postgresUrl,
  redisUrl,
  roleList,
  secretKey,
  share,
  sentryDsn,
  smtpUrl,
  timeZone,
  trustedProxy,
  someWholeNumber,
  wholeNumber,
} from './setting-types.js'
import { setting, type Setting } from './setting.js'
import { SIGN_ON_SETTINGS } from './sign-on.settings.js'

export type { Setting }

const PRIVATE_NETWORKS = '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7'

/** Every environment variable that the server knows, in the order of the reference page. */
export const SETTINGS = {
  PORT: setting(wholeNumber(0, 65_535, 3_000), '3000', 'TCP port of the HTTP server; 0 takes a free one.'),
  HOST: setting(
    z.string().default('127.0.0.1'),
    '127.0.0.1',
    'Address that the HTTP server listens on. The default is reachable from this machine alone; containers and servers for others need 0.0.0.0 (or ::).',
  ),
  PUBLIC_URL: setting(
    originUrl().nullable().default(null),
    'unset',
    'How users reach the server, such as https://gantry.example.org; stands in the OpenAPI document and in mails, and pages of it may call the API by cookie (an allowed origin); people who sign on come back there.',
  ),
  CORS_ORIGINS: setting(
    list(originUrl(), ''),
    'unset',
    'Comma-separated origins of web pages that may call the API from a browser. Unset: only pages served by Gantry itself.',
  ),
  TRUSTED_PROXIES: setting(
    list(trustedProxy(), ''),
    'unset',
    'Comma-separated proxies whose X-Forwarded-For is believed: addresses, networks in CIDR notation, loopback (this machine) or private (all private networks). Unset: none, and the peer of the connection is who asks.',
  ),
  RATE_LIMIT_PER_MINUTE: setting(
    wholeNumber(1, 1_000_000, 600),
    '600',
    'Calls per minute that one user, API key or anonymous address may make; each member of a batch counts.',
  ),
  MAX_UPLOAD_BYTES: setting(
    wholeNumber(1, Number.MAX_SAFE_INTEGER, 1_073_741_824),
    '1073741824',
    'Largest print file that is accepted, in bytes.',
  ),
  UPLOAD_QUOTA_BYTES: setting(
    wholeNumber(1, Number.MAX_SAFE_INTEGER, 107_374_182_400),
    '107374182400',
    'How many bytes of print files one user may keep in the library; versions that prints refer to count as long as they are kept.',
  ),
  API_DOCS_PUBLIC: setting(
    flag(false),
    'false',
    'Whether the API description (/api/openapi.json and the page /api/docs) is shown without an access token of an admin.',
  ),
  GANTRY_DATA_DIR: setting(
    z.string().default('.gantry'),
    '.gantry',
    'Folder for the embedded database, files and generated keys; relative to the folder where the server is started.',
  ),
  DATABASE_URL: setting(
    postgresUrl().nullable().default(null),
    'unset',
    'PostgreSQL to use. Unset: a private PostgreSQL is started in GANTRY_DATA_DIR.',
    { secret: true },
  ),
  DB_POOL_SIZE: setting(wholeNumber(1, 500, 10), '10', 'Most connections that one process keeps to the database.'),
  DB_TIMEOUT_MS: setting(
    wholeNumber(100, 600_000, 10_000),
    '10000',
    'Longest time in milliseconds for one statement, and for waiting for a connection.',
  ),
  READ_REPLICA_URLS: setting(
    list(postgresUrl(), ''),
    'unset',
    'Comma-separated connection strings of streaming replicas of DATABASE_URL; they serve lists and histories. Commas inside a password are written as %2C.',
    { secret: true },
  ),
  REPLICA_MAX_LAG_MS: setting(
    wholeNumber(500, 600_000, 2_000),
    '2000',
    'How old in milliseconds what a replica shows may be; one that lags more is not read until it has caught up.',
  ),
  REDIS_URL: setting(
    redisUrl().nullable().default(null),
    'unset',
    'Redis for the queues of background jobs and behind the cache in memory, shared by all instances; it must not evict (maxmemory-policy noeviction). Unset: queues live in PostgreSQL, and each instance caches, and counts calls, streams and failed logins, in its own memory alone.',
    { secret: true },
  ),
  REDIS_PREFIX: setting(
    z
      .string()
      .regex(/^[a-zA-Z0-9._-]{1,40}$/, 'must be 1 to 40 letters, digits, dots, dashes or underscores')
      .default('gantry'),
    'gantry',
    'What all keys in Redis begin with; installations that share a Redis need one each.',
  ),
  LEGACY_QUEUE_PREFIX: setting(
    z
      .string()
      .regex(/^[a-zA-Z0-9._-]{1,40}$/, 'must be 1 to 40 letters, digits, dots, dashes or underscores')
      .default('bull')
      .transform((prefix) => (prefix === 'off' ? null : prefix)),
    'bull',
    'Prefix in Redis under which older BullMQ producers put jobs that Gantry takes over; off: none are taken.',
  ),
  CACHE_STRATEGY: setting(
    cacheStrategy.default('simple'),
    'simple',
    'What becomes of cached answers that are no longer fresh: simple (loaded again) or swr (used once more while they are loaded again).',
  ),
  CACHE_ANSWERS: setting(
    flag(true),
    'true',
    'Whether answers of lists, and the queries behind them, are kept for some seconds and given to whoever may see the same.',
  ),
  CACHE_MEMORY_ENTRIES: setting(
    wholeNumber(1, 1_000_000, 10_000),
    '10000',
    'Most answers that one process keeps in memory.',
  ),
  CACHE_MEMORY_BYTES: setting(
    wholeNumber(1_048_576, 17_179_869_184, 67_108_864),
    '67108864',
    'Most bytes of answers, as they are serialised, that one process keeps in memory.',
  ),
  CACHE_COMPRESS_OVER_BYTES: setting(
    wholeNumber(0, 16_777_216, 1_024),
    '1024',
    'Cached answers larger than this many bytes are compressed in Redis.',
  ),
  GANTRY_ROLES: setting(
    roleList(),
    'all',
    'What this process does: all, or a comma-separated list of api (HTTP), worker (jobs) and fleet (drives printers).',
  ),
  PRINTER_ALLOWED_CIDRS: setting(
    list(cidr(), PRIVATE_NETWORKS),
    PRIVATE_NETWORKS,
    'Comma-separated networks in which printers may be registered.',
  ),
  PRINTER_ALLOW_LOOPBACK: setting(
    flag(false),
    'false',
    'Allow printers on this machine itself, by whichever of its addresses: where a printer host runs beside Gantry, for development and for virtual printers.',
  ),
  WEBHOOK_ALLOWED_CIDRS: setting(
    list(cidr(), ''),
    'unset',
    'Comma-separated private networks into which webhooks may be posted, beside the public internet. Unset: none.',
  ),
  WEBHOOK_ALLOW_LOOPBACK: setting(flag(false), 'false', 'Allow webhooks to this machine itself; for development.'),
  GANTRY_SECRET_KEY: setting(
    secretKey({ weak: false }).nullable().default(null),
    'unset',
    'Key of 32 bytes in base64 that seals printer API keys and webhook secrets, and signs access tokens. Unset: the server makes one in GANTRY_DATA_DIR and keeps it.',
    { secret: true },
  ),
  GANTRY_SECRET_KEY_PREVIOUS: setting(
    list(z.string(), '').pipe(z.array(secretKey({ weak: true })).max(4, 'must be at most 4 keys')),
    'unset',
    'Comma-separated keys of before, which open what they sealed until npm run secrets:rotate has sealed it anew, and verify what they signed.',
    { secret: true },
  ),
  ACCESS_TOKEN_SECONDS: setting(wholeNumber(30, 600, 600), '600', 'How long an access token is valid, in seconds.'),
  REFRESH_TOKEN_DAYS: setting(
    wholeNumber(1, 365, 30),
    '30',
    'After how many days without use a session ends, in days.',
  ),
  SESSION_MAX_DAYS: setting(
    wholeNumber(1, 3_650, 90),
    '90',
    'After how many days a session ends, however much it is used, in days.',
  ),
  CLEANUP_INTERVAL_MS: setting(
    wholeNumber(1_000, 86_400_000, 3_600_000),
    '3600000',
    'How often in milliseconds refresh tokens and sessions that are over are removed.',
  ),
  AUDIT_RETENTION_DAYS: setting(
    wholeNumber(1, 36_500, 400),
    '400',
    'After how many days entries are removed from the audit log.',
  ),
  GANTRY_ADMIN_EMAIL: setting(
    z.email().max(254).default('admin@gantry.local'),
    'admin@gantry.local',
    'E-mail address of the account that the first start makes.',
  ),
  GANTRY_ADMIN_PASSWORD: setting(
    z.string().min(8, 'must have at least 8 characters').max(128).nullable().default(null),
    'unset',
    'Password of that account, at least 8 characters. Unset: a random one is made and shown once.',
    { secret: true },
  ),
  REGISTRATION: setting(
    z.enum(['closed', 'open']).default('closed'),
    'closed',
    'Whether people may make themselves an account, which may look but not act: closed or open.',
  ),
  ...SIGN_ON_SETTINGS,
  GANTRY_TIME_ZONE: setting(
    timeZone().default('UTC'),
    'UTC',
    'IANA time zone of schedules and of what counts as a day, such as Europe/Berlin.',
  ),
  ALARM_HEATER_ON_MINUTES: setting(
    wholeNumber(1, 1_440, 15),
    '15',
    'After how many minutes a heater that is on while nothing is printed raises an alarm.',
  ),
  ALARM_BED_NOT_CLEARED_HOURS: setting(
    wholeNumber(1, 720, 12),
    '12',
    'After how many hours a bed that nobody cleared raises an alarm.',
  ),
  ALARM_OUTBOX_STUCK_MINUTES: setting(
    wholeNumber(1, 1_440, 10),
    '10',
    'By how many minutes a background job that is late raises an alarm.',
  ),
  ALARM_MAIL_SEVERITY: setting(
    z.enum(['none', ...alarmSeverity.options]).default('critical'),
    'critical',
    'Least severe alarms that are mailed to every admin: none, info, warning or critical.',
  ),
  SMTP_URL: setting(
    smtpUrl().nullable().default(null),
    'unset',
    'Mail server, such as smtp://user:password@mail.example.org:587, or smtps:// for TLS from the start. Unset: no mail is sent, and each is noted as skipped.',
    { secret: true },
  ),
  MAIL_FROM: setting(
    mailbox().default({ name: 'Gantry', address: 'gantry@gantry.local' }),
    'Gantry <gantry@gantry.local>',
    'Sender of all mails: an address, or a name with the address in angle brackets.',
  ),
  SHUTDOWN_DRAIN_SECONDS: setting(
    wholeNumber(0, 10, 3),
    '3',
    'How long a stopping server still accepts requests while /ready already answers 503, in seconds, so that load balancers notice.',
  ),
  LOG_LEVEL: setting(
    z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
    'info',
    'Least severe lines that are logged: debug, info, warn, error or silent.',
  ),
  OTEL_EXPORTER_OTLP_ENDPOINT: setting(
    httpUrl().nullable().default(null),
    'unset',
    'Base URL of an OpenTelemetry collector that takes traces by OTLP over HTTP, such as http://collector:4318. Unset: nothing is traced.',
  ),
  OTEL_EXPORTER_OTLP_HEADERS: setting(
    headerList(),
    'unset',
    'Headers for the collector, such as x-api-key=abc,x-tenant=lab; values percent-encoded.',
    { secret: true },
  ),
  OTEL_SERVICE_NAME: setting(
    z.string().min(1).max(100).default('gantry'),
    'gantry',
    'The name of this service in traces.',
  ),
  OTEL_TRACES_SAMPLER_ARG: setting(
    share(1),
    '1',
    'Share of requests and jobs that are traced, 0 to 1, where the caller has not decided it (W3C traceparent).',
  ),
  SENTRY_DSN: setting(
    sentryDsn().nullable().default(null),
    'unset',
    'Where unexpected errors are reported, to Sentry or whatever takes its envelopes, such as https://key@sentry.example.org/1. Unset: they stand in the log alone.',
    { secret: true },
  ),
  SENTRY_ENVIRONMENT: setting(
    z
      .string()
      .regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits, dots, dashes or underscores')
      .default('production'),
    'production',
    'What reports of errors call this installation, so that one receiver can tell several apart.',
  ),
  NODE_ENV: setting(
    z.string().max(50).default('development'),
    'development',
    'Kind of installation, such as production; only shown, at /api/health and /health/detailed.',
  ),
  GANTRY_COMMIT: setting(
    z
      .string()
      .regex(/^[0-9a-f]{7,64}$/, 'must be the hash of a commit')
      .nullable()
      .default(null),
    'unset',
    'Commit that this build was made from; only shown, there too. Unset: read from the checkout that the server runs in, if it does.',
  ),
  ENABLE_METRICS: setting(
    flag(true),
    'true',
    'Whether metrics are collected and offered at /metrics; false collects nothing.',
  ),
  METRICS_TOKEN: setting(
    z.string().min(16, 'must have at least 16 characters').nullable().default(null),
    'unset',
    'Bearer token that may read /metrics and /api/metrics beside admins. Unset: only admins may.',
    { secret: true },
  ),
  METRICS_PORT: setting(
    someWholeNumber(0, 65_535).nullable().default(null),
    'unset',
    'Second TCP port, for /metrics and the probes /healthz, /ready and /health, in processes of every role; 0 takes a free one. It asks nobody who they are: keep it from strangers. Unset: none.',
  ),
  METRICS_HOST: setting(
    z.string().default('127.0.0.1'),
    '127.0.0.1',
    'Address that the second port listens on; 0.0.0.0 (or ::) lets other machines in.',
  ),
} as const satisfies Record<string, Setting>

export type SettingName = keyof typeof SETTINGS
export type SettingValues = { [N in SettingName]: z.output<(typeof SETTINGS)[N]['schema']> }
