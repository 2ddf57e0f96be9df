import type { ErrorCode, ErrorParamsByCode, SignOnFailure, SignOnRefusal } from '@gantry/schemas'

/** How loudly an error is logged: what a user did wrong is not the operator's alarm. */
export type ErrorLogLevel = 'debug' | 'info' | 'warn' | 'error'

/** tRPC's code of the same meaning; a closed list of its own so that the kernel need not know tRPC. */
export type TransportCode =
  | 'BAD_REQUEST'
  | 'UNAUTHORIZED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'METHOD_NOT_SUPPORTED'
  | 'TIMEOUT'
  | 'CONFLICT'
  | 'PRECONDITION_FAILED'
  | 'PAYLOAD_TOO_LARGE'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'UNPROCESSABLE_CONTENT'
  | 'TOO_MANY_REQUESTS'
  | 'CLIENT_CLOSED_REQUEST'
  | 'INTERNAL_SERVER_ERROR'
  | 'BAD_GATEWAY'
  | 'SERVICE_UNAVAILABLE'
  | 'GATEWAY_TIMEOUT'

export type ErrorParams = Readonly<Record<string, unknown>>

interface ErrorEntry {
  httpStatus: number
  transport: TransportCode
  /** Whether the same request may succeed when it is simply sent again. */
  retryable: boolean
  logLevel: ErrorLogLevel
  /** When to come back, unless the error itself knows better; null: that says nothing about it. */
  retryAfterSeconds: number | null
  /** The English sentence for the user. */
  text: (params: ErrorParams) => string
}

const named = (params: ErrorParams, key: string, otherwise: string) => {
  const value = params[key]
  return typeof value === 'string' || typeof value === 'number' ? String(value) : otherwise
}
const detailed = (sentence: string) => (params: ErrorParams) =>
  typeof params['detail'] === 'string' ? `${sentence}: ${params['detail']}` : `${sentence}.`

const entry = (
  httpStatus: number,
  transport: TransportCode,
  text: ErrorEntry['text'],
  rest: Partial<Pick<ErrorEntry, 'retryable' | 'logLevel' | 'retryAfterSeconds'>> = {},
): ErrorEntry => ({
  httpStatus,
  transport,
  text,
  retryable: rest.retryable ?? false,
  logLevel: rest.logLevel ?? 'info',
  retryAfterSeconds: rest.retryAfterSeconds ?? null,
})

const SIGN_ON_FAILURES: Readonly<Record<string, string>> = {
  denied: 'Nobody was signed on: it was given up at the identity provider.',
  expired: 'This sign-on took too long, was finished before, or began in another browser; begin anew.',
  invalid: 'Nobody was signed on: the answer of the identity provider could not be verified; begin anew.',
} satisfies Record<SignOnFailure, string>

const SIGN_ON_REFUSALS: Readonly<Record<string, string>> = {
  no_role: 'You have no role here; ask an admin.',
  account_exists:
    'An account with your e-mail address exists. Log in to it with its password and link your identity there, or ask an admin.',
  no_email: 'The identity provider has no verified e-mail address of yours; ask an admin.',
  disabled: 'This account is disabled; ask an admin.',
  identity_taken: 'This identity belongs to another account.',
} satisfies Record<SignOnRefusal, string>

/** The closed table of errors. A code that `@gantry/schemas` adds does not compile until it stands here. */
export const ERROR_TABLE: Readonly<Record<ErrorCode, ErrorEntry>> = {
  VALIDATION_FAILED: entry(400, 'BAD_REQUEST', detailed('The input is not valid')),
  UNAUTHENTICATED: entry(401, 'UNAUTHORIZED', () => 'Log in first: no valid access token came with the request.'),
  INVALID_CREDENTIALS: entry(401, 'UNAUTHORIZED', () => 'E-mail address or password is wrong.'),
  SECOND_FACTOR_REQUIRED: entry(401, 'UNAUTHORIZED', () => 'This login also needs the code of the second factor.'),
  SIGN_ON_FAILED: entry(
    401,
    'UNAUTHORIZED',
    (p) => SIGN_ON_FAILURES[named(p, 'reason', '')] ?? 'Nobody was signed on.',
  ),
  SIGN_ON_REFUSED: entry(
    403,
    'FORBIDDEN',
    (p) => SIGN_ON_REFUSALS[named(p, 'reason', '')] ?? 'You are not let in here.',
  ),
  SIGN_ON_REQUIRED: entry(
    403,
    'FORBIDDEN',
    () => 'This account has no password: sign on once more at the identity provider, and then do this.',
  ),
  SESSION_ENDED: entry(401, 'UNAUTHORIZED', () => 'The session has ended; log in again.'),
  PASSWORD_REFUSED: entry(400, 'BAD_REQUEST', detailed('The password cannot be used')),
  REGISTRATION_CLOSED: entry(403, 'FORBIDDEN', () => 'Nobody can register here; ask an admin for an account.'),
  FORBIDDEN: entry(403, 'FORBIDDEN', (p) =>
    p['needs'] === 'session'
      ? 'This is for people who log in, not for API keys.'
      : `This needs the permission ${named(p, 'needs', 'of someone else')}.`,
  ),
  CROSS_SITE_REFUSED: entry(
    403,
    'FORBIDDEN',
    (p) => `Cookies are taken from allowed pages alone (missing: ${named(p, 'missing', 'proof')}).`,
  ),
  NOT_FOUND: entry(404, 'NOT_FOUND', (p) => `There is no such ${named(p, 'resource', 'thing')}.`),
  METHOD_NOT_ALLOWED: entry(405, 'METHOD_NOT_SUPPORTED', () => 'This method is not supported here.'),
  NAME_TAKEN: entry(409, 'CONFLICT', (p) => `The name “${named(p, 'name', '')}” is already in use.`),
  VERSION_CONFLICT: entry(409, 'CONFLICT', () => 'Somebody else changed this meanwhile; load it again.'),
  INVALID_STATE: entry(409, 'CONFLICT', detailed('This cannot be done in the present state')),
  IDEMPOTENCY_KEY_REUSED: entry(409, 'CONFLICT', () => 'This idempotency key was already used with another input.'),
  NOT_GCODE: entry(422, 'UNPROCESSABLE_CONTENT', (p) => `The file is no g-code (${named(p, 'reason', 'unknown')}).`),
  NOT_3MF: entry(
    422,
    'UNPROCESSABLE_CONTENT',
    (p) => `The file is no 3MF that can be taken (${named(p, 'reason', 'unknown')}).`,
  ),
  NOT_SLICED: entry(
    422,
    'UNPROCESSABLE_CONTENT',
    () => 'The 3MF holds a model and no g-code: slice it first, and send the sliced file.',
  ),
  FILE_TOO_LARGE: entry(
    413,
    'PAYLOAD_TOO_LARGE',
    (p) => `The file is larger than ${named(p, 'limitBytes', 'allowed')} bytes.`,
  ),
  UPLOAD_TRUNCATED: entry(
    400,
    'BAD_REQUEST',
    () => 'The upload ended before the whole file had come; nothing was kept.',
    {
      retryable: true,
    },
  ),
  STORAGE_FULL: entry(507, 'INTERNAL_SERVER_ERROR', () => 'The file storage is full; nothing was kept.', {
    logLevel: 'error',
  }),
  QUOTA_EXCEEDED: entry(
    413,
    'PAYLOAD_TOO_LARGE',
    (p) => `You may keep ${named(p, 'limitBytes', 'only so many')} bytes of files; remove some first.`,
  ),
  EXPORT_LIMIT_REACHED: entry(409, 'CONFLICT', detailed('There are too many exports')),
  LINK_REFUSED: entry(403, 'FORBIDDEN', () => 'This link was not given by this server.'),
  LINK_EXPIRED: entry(410, 'PRECONDITION_FAILED', () => 'This link is no longer valid; ask for a new one.'),
  RANGE_NOT_SATISFIABLE: entry(416, 'BAD_REQUEST', () => 'There are no bytes in the range that was asked for.'),
  REQUEST_TOO_LARGE: entry(413, 'PAYLOAD_TOO_LARGE', (p) => {
    const { what, limitBytes } = p
    if (typeof what !== 'string') return 'The request is too large.'
    return typeof limitBytes === 'number'
      ? `The request is too large: its ${what} may have ${limitBytes} bytes at most.`
      : `The request is too large: there is too much in its ${what}.`
  }),
  UNSUPPORTED_MEDIA_TYPE: entry(
    415,
    'UNSUPPORTED_MEDIA_TYPE',
    (p) => `Send ${named(p, 'expected', 'another content type')}.`,
  ),
  RATE_LIMITED: entry(429, 'TOO_MANY_REQUESTS', () => 'Too many requests; slow down.', { retryable: true }),
  PRINTER_ADDRESS_REFUSED: entry(422, 'UNPROCESSABLE_CONTENT', detailed("The printer's address is not allowed")),
  PRINTER_UNREACHABLE: entry(502, 'BAD_GATEWAY', detailed('The printer host does not answer'), { retryable: true }),
  PRINTER_TIMEOUT: entry(504, 'GATEWAY_TIMEOUT', detailed('The printer host did not answer in time'), {
    retryable: true,
  }),
  PRINTER_AUTH_FAILED: entry(422, 'UNPROCESSABLE_CONTENT', detailed('The printer host refused the API key')),
  PRINTER_NOT_RECOGNISED: entry(422, 'UNPROCESSABLE_CONTENT', detailed('Something else answers at this address')),
  PRINTER_OFFLINE: entry(409, 'CONFLICT', detailed('The printer is offline')),
  PRINTER_BUSY: entry(409, 'CONFLICT', detailed('The printer is busy')),
  PRINTER_REJECTED: entry(502, 'BAD_GATEWAY', detailed('The printer host refused')),
  PRINTER_UNSUPPORTED: entry(409, 'CONFLICT', detailed('The printer host cannot do this')),
  COMMAND_EXPIRED: entry(
    504,
    'GATEWAY_TIMEOUT',
    () => 'Nobody carried the command out in time; it will not happen later.',
    {
      retryable: true,
      logLevel: 'warn',
    },
  ),
  DEADLINE_EXCEEDED: entry(504, 'GATEWAY_TIMEOUT', () => 'The request took too long and was given up.', {
    retryable: true,
    logLevel: 'warn',
  }),
  REQUEST_ABORTED: entry(499, 'CLIENT_CLOSED_REQUEST', () => 'The client gave the request up.', { logLevel: 'debug' }),
  UNAVAILABLE: entry(503, 'SERVICE_UNAVAILABLE', () => 'The server cannot answer just now; try again.', {
    retryable: true,
    logLevel: 'warn',
    retryAfterSeconds: 1,
  }),
  INTERNAL: entry(500, 'INTERNAL_SERVER_ERROR', () => 'Something went wrong on the server.', { logLevel: 'error' }),
}

export interface GantryErrorOptions<C extends ErrorCode = ErrorCode> {
  /** Those that the code has; they are sent. */
  params?: Readonly<ErrorParamsByCode[C]>
  /** For the log alone; never sent. */
  detail?: string
  /** Input path → what is wrong with it. */
  fields?: Readonly<Record<string, string[]>>
  retryAfterSeconds?: number
  cause?: unknown
}

/** The one error that services throw. `message` is for the log; the user gets {@link userText}. */
export class GantryError<C extends ErrorCode = ErrorCode> extends Error {
  readonly code: ErrorCode
  override readonly name = 'GantryError'
  readonly params: ErrorParams
  readonly fields: Readonly<Record<string, string[]>> | null
  readonly retryAfterSeconds: number | null

  constructor(code: C, options: GantryErrorOptions<C> = {}) {
    const params: ErrorParams = { ...options.params }
    super(options.detail ?? ERROR_TABLE[code].text(params), { cause: options.cause })
    this.code = code
    this.params = params
    this.fields = options.fields ?? null
    this.retryAfterSeconds = options.retryAfterSeconds ?? ERROR_TABLE[code].retryAfterSeconds
  }

  get userText(): string {
    return ERROR_TABLE[this.code].text(this.params)
  }
}

/** An input that is well-formed but wrong in one field. */
export const invalidField = (field: string, message: string) =>
  new GantryError('VALIDATION_FAILED', { params: { detail: `${field} ${message}` }, fields: { [field]: [message] } })

export const notFound = (resource: string, id: string) => new GantryError('NOT_FOUND', { params: { resource, id } })
