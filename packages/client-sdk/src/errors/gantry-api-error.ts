import type { ErrorBody, ErrorCode, ErrorParamsByCode } from '../generated/router.js'

/**
 * What goes wrong before the server has answered. `NETWORK`: it could not be reached, or the connection broke.
 * `TIMEOUT`: no answer in time. `ABORTED`: the caller's signal. `BAD_RESPONSE`: something else than Gantry answered.
 * `SOURCE_FAILED`: the source of an upload could not be read.
 */
export type ClientErrorCode = 'NETWORK' | 'TIMEOUT' | 'ABORTED' | 'BAD_RESPONSE' | 'SOURCE_FAILED'

export type ApiErrorCode = ErrorCode | ClientErrorCode

export interface GantryApiErrorInit extends Partial<Omit<ErrorBody, 'code' | 'message'>> {
  code: ApiErrorCode
  message: string
  status?: number | null
  cause?: unknown
}

/** What every call of the client rejects with. `message` is an English sentence that may be shown to users. */
export class GantryApiError extends Error {
  override readonly name = 'GantryApiError'
  readonly code: ApiErrorCode
  /** What the sentence is about, such as `{ resource: 'printer', id }`. */
  readonly params: Readonly<Record<string, unknown>>
  /** Finds the request in the server's log; null when no answer came. */
  readonly requestId: string | null
  /** Whether the same call may succeed when it is made again. */
  readonly retryable: boolean
  /** Path in the input (`parts.0.targetQuantity`) → what is wrong there; null when the input was not at fault. */
  readonly fields: Readonly<Record<string, readonly string[]>> | null
  /** How long the server asks to wait before the next try. */
  readonly retryAfterSeconds: number | null
  /** The HTTP status; null when no answer came, or one that carried several calls with different outcomes. */
  readonly status: number | null

  constructor(init: GantryApiErrorInit) {
    super(init.message, init.cause === undefined ? undefined : { cause: init.cause })
    this.code = init.code
    this.params = init.params ?? {}
    this.requestId = init.requestId ?? null
    this.retryable = init.retryable ?? false
    this.fields = init.fields ?? null
    this.retryAfterSeconds = init.retryAfterSeconds ?? null
    this.status = init.status ?? null
  }
}

/** What is known of the params of an error of this code; nothing when it may be of any. */
type ParamsOf<C extends ApiErrorCode> = ApiErrorCode extends C
  ? unknown
  : C extends ErrorCode
    ? Readonly<ErrorParamsByCode[C]>
    : unknown

/**
 * Whether something caught is the client's error, and of this code when one is given; then its params have their types.
 * @example if (isGantryApiError(error, 'NAME_TAKEN')) showTaken(error.params.name)
 */
export const isGantryApiError = <C extends ApiErrorCode = ApiErrorCode>(
  error: unknown,
  code?: C,
): error is GantryApiError & { readonly code: C; readonly params: ParamsOf<C> } =>
  error instanceof GantryApiError && (code === undefined || error.code === code)
