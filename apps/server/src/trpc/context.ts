import type { TokenPair } from '@gantry/schemas'

import type { Actor } from '../kernel/actor.js'
import type { Logger } from '../kernel/logger.port.js'
import type { Answers } from './answers.js'
import type { LiveStreams } from './live-streams.js'
import type { Services } from './services.js'

/** How one procedure call went. */
export interface ProcedureOutcome {
  procedure: string
  type: 'query' | 'mutation' | 'subscription'
  /** `OK`, or the error code. */
  code: string
  durationSeconds: number
}

/** Lets a browser hold its tokens in cookies, which no script reads. */
export interface BrowserCookies {
  /** @throws GantryError `CROSS_SITE_REFUSED`, or `VALIDATION_FAILED` where no cookie could go with the answer */
  assertSettable(): void
  /** Whether any of both came. */
  areThere(): boolean
  /** The refresh token that came; null: none. */
  refreshToken(): string | null
  keep(pair: TokenPair): void
  forget(): void
}

/** What every procedure knows of its caller. */
export interface Context {
  requestId: string
  /** Aborts when the caller is gone or the deadline has passed; the reason is a `GantryError`. */
  signal(): AbortSignal
  /** The promise's result, or the signal's reason as soon as it aborts; costs less than a signal. */
  unlessAborted<T>(promise: Promise<T>): Promise<T>
  log: Logger
  /** Null: nobody logged in. */
  actor: Actor | null
  /** Where the call comes from, as far as it says. */
  client: { ip: string | null; userAgent: string | null }
  /** Null: not called over HTTP. */
  cookies: BrowserCookies | null
  services: Services
  liveStreams: LiveStreams
  /** Where answers to queries are kept; null: nowhere. */
  answers: Answers | null
  /** Hears of every finished call. */
  procedureFinished(outcome: ProcedureOutcome): void
  /** Whether the request makes several calls. @default no */
  inBatch?: boolean
  /** Hears the hash of the parsed input of a call whose answer is kept. */
  inputParsed?(batchIndex: number, input: string): void
}
