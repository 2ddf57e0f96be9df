import type { CallOptions, ProcedureCalls } from './api.types.js'
import type { GantryApiError } from './errors/gantry-api-error.js'
import type { Download } from './files/downloader.js'
import type { UploadInput } from './files/upload-source.js'
import type { UploadOptions } from './files/upload.types.js'
import type { CurrentUser, PrintFile } from './generated/router.js'
import type { FetchLike } from './http/exchange.js'
import type { SignOnTicket } from './session/session.js'
import type { TokenStore } from './session/token-store.js'
import type { TracerLike } from './transport/call-spans.js'

export interface GantryClientOptions {
  /** Of the server, such as `https://gantry.example`; in browsers also a path, such as `/`. */
  url: string
  /** With a password the client logs in by itself when it first calls, and again when the session is over. */
  email?: string
  password?: string
  /**
   * Where the tokens are: with the client, or in cookies that no script reads, for pages whose origin the server allows.
   * @default 'token'
   */
  session?: 'token' | 'cookie'
  /** Where the session is kept, unless that is in cookies. @default memoryTokenStore() */
  tokenStore?: TokenStore
  /** @default the platform's */
  fetch?: FetchLike
  /** The session is over and the client cannot log in again by itself: show the login. */
  onSessionEnd?: (error: GantryApiError) => void
  /** For each request, in milliseconds; streams and transfers of files have a limit on standing still instead. @default 35000 */
  timeoutMs?: number
  /** How long a transfer of a file may stand still, in milliseconds. @default 60000 */
  stallTimeoutMs?: number
  /** Tries of a query, or of a mutation that is safe to repeat. @default { attempts: 3, delayMs: 300, maxDelayMs: 10000 } */
  retry?: { attempts?: number; delayMs?: number; maxDelayMs?: number }
  /** How long streams wait before they connect again. @default { delayMs: 500, maxDelayMs: 30000 } */
  reconnect?: { delayMs?: number; maxDelayMs?: number }
  /** An OpenTelemetry tracer, such as `trace.getTracer('my-app')`: each call gets a span, which those of the server join. */
  tracer?: TracerLike
}

export interface LoginOptions extends CallOptions {
  /** Of the second factor: six digits, or a recovery code. */
  code?: string
}

export interface AuthCalls {
  /**
   * Begins a session; all calls and streams of this client are made with it. Who has a second factor is asked for its
   * code by `SECOND_FACTOR_REQUIRED`, and logs in again with it.
   * @throws `INVALID_CREDENTIALS`, `SECOND_FACTOR_REQUIRED`, `RATE_LIMITED`
   */
  login(email: string, password: string, options?: LoginOptions): Promise<CurrentUser>
  /**
   * Begins a session with the ticket of a sign-on at the identity provider; with cookies there is none, the browser just
   * opens the address.
   * @throws `SIGN_ON_FAILED`, `SIGN_ON_REFUSED`, `RATE_LIMITED`
   */
  signOn(ticket: SignOnTicket, options?: CallOptions): Promise<CurrentUser>
  /** Ends the session on the server, and forgets it here even when the server cannot be reached; only it can take cookies away. */
  logout(): Promise<void>
  /** Whether a session is kept here; only a call can tell whether the server still knows it. */
  isLoggedIn(): Promise<boolean>
}

export interface FileCalls {
  /**
   * Brings a file into the library, or a new version of the one that has this name.
   * @throws `NOT_GCODE`, `NOT_3MF`, `NOT_SLICED`, `FILE_TOO_LARGE`, `UPLOAD_TRUNCATED`, `STORAGE_FULL`, `ABORTED`, `TIMEOUT`, …
   */
  upload(file: UploadInput, options?: UploadOptions): Promise<PrintFile>
  /** The content of a file's newest version, or of the version whose id is given. */
  download(id: string, options?: CallOptions): Promise<Download>
  /** The picture that the slicer put into the file. @throws `NOT_FOUND` when it has none */
  thumbnail(id: string, options?: CallOptions): Promise<Download>
  /** Where the content lies. The address answers only with an `Authorization` header; links should use {@link download}. */
  contentUrl(id: string): string
}

export type GantryClient = Omit<ProcedureCalls, 'auth' | 'files'> & {
  auth: Omit<
    ProcedureCalls['auth'],
    'login' | 'refresh' | 'logout' | 'beginBrowserSession' | 'renewBrowserSession' | 'exchangeSignOn'
  > &
    AuthCalls
  files: ProcedureCalls['files'] & FileCalls
}
