export type NetErrorCode =
  /** The address, or one of the addresses behind the name, is not one that may be spoken to. */
  | 'address_refused'
  /** The URL cannot be used: another scheme, or credentials in it. */
  | 'bad_url'
  | 'unreachable'
  | 'timeout'
  | 'aborted'
  /** The answer is larger than the caller wants to hold. */
  | 'too_large'
  /** The peer does not speak the protocol, or not as it was asked to. */
  | 'protocol'
  /** The answer is no JSON. */
  | 'not_json'
  /** The content that was to be sent could not be read here, or has another length than was announced. */
  | 'source'

/** What went wrong on the way to a peer. The message names the peer and never holds headers, keys or bodies. */
export class NetError extends Error {
  override readonly name = 'NetError'
  constructor(
    readonly code: NetErrorCode,
    message: string,
    readonly details: { httpStatus?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause })
  }
}

const codeOf = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}

/** Undici's parser names some of its errors by a code and some only by their class. */
const isParserError = (error: unknown) => error instanceof Error && error.name === 'HTTPParserError'

const TIMEOUTS = new Set(['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT'])

const kindOf = (code: string): NetErrorCode => {
  if (TIMEOUTS.has(code)) return 'timeout'
  if (code === 'UND_ERR_HEADERS_OVERFLOW' || code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') return 'too_large'
  if (code.startsWith('HPE_') || code.startsWith('WS_ERR_') || code.startsWith('UND_ERR_INVALID')) return 'protocol'
  return 'unreachable'
}

/** Puts a library's or the system's error into our vocabulary; a {@link NetError} found inside it wins. */
export const toNetError = (error: unknown, peer: string): NetError => {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (at instanceof NetError) return at
  }
  const code = codeOf(error)
  return new NetError(
    isParserError(error) ? 'protocol' : kindOf(code),
    `${peer} did not answer as it should${code === '' ? '' : ` (${code})`}`,
    {
      cause: error,
    },
  )
}
