import { systemClock, type Clock } from '../../kernel/clock.js'
import { invalidField } from '../../kernel/errors.js'
import type { TryResult, WebhookRequest, WebhookSender } from '../../modules/webhooks/webhooks.ports.js'
import type { Connector, OutboundResponse } from '../../net/connector.js'
import { NetError, type NetErrorCode } from '../../net/net-error.js'
import { retryAfterMs } from './retry-after.js'

/** For everything, from the name's resolution to the answer. */
const TIMEOUT_MS = 10_000

/** As much of an answer as is read; what is beyond is left unread. */
const MAX_BYTES = 2_000

type ErrorCode = NonNullable<TryResult['error']>['code']

const CODES: Record<NetErrorCode, ErrorCode> = {
  address_refused: 'ADDRESS_REFUSED',
  bad_url: 'ADDRESS_REFUSED',
  unreachable: 'UNREACHABLE',
  timeout: 'TIMEOUT',
  aborted: 'UNREACHABLE',
  too_large: 'PROTOCOL',
  protocol: 'PROTOCOL',
  not_json: 'PROTOCOL',
  source: 'PROTOCOL',
}

/** Text that a database stores and a terminal survives. */
const excerptOf = (body: Buffer): string => body.toString('utf8').replaceAll(/[^\P{Cc}\t\n]/gu, '\uFFFD')

/** With these a receiver may say when it takes more (RFC 9110, 10.2.3; RFC 6585, 4). */
const SAYS_WHEN: ReadonlySet<number> = new Set([429, 503])

const resultOf = ({ status, headers, body }: OutboundResponse, nowMs: number): TryResult => {
  const excerpt = body.byteLength === 0 ? null : excerptOf(body)
  const hasArrived = status >= 200 && status < 300
  const redirected = status >= 300 && status < 400 ? '; redirects are not followed' : ''
  const error = { code: 'STATUS' as const, detail: `the receiver answered ${status}${redirected}` }
  const asked = SAYS_WHEN.has(status) ? retryAfterMs(headers['retry-after'], nowMs) : null
  return { status, excerpt, error: hasArrived ? null : error, retryAfterMs: asked }
}

/** Posts over the guarded connector. */
export class HttpWebhookSender implements WebhookSender {
  /** @param timeoutMs for each try */
  constructor(
    private readonly connector: Pick<Connector, 'check' | 'request'>,
    private readonly timeoutMs = TIMEOUT_MS,
    private readonly clock: Clock = systemClock,
  ) {}

  check(url: string): void {
    try {
      this.connector.check(url)
    } catch (error) {
      if (!(error instanceof NetError)) throw error
      throw invalidField('url', `cannot be posted to: ${error.message}`)
    }
  }

  async post({ signal, ...request }: WebhookRequest): Promise<TryResult> {
    const options = { method: 'POST', timeoutMs: this.timeoutMs, maxBytes: MAX_BYTES, cutOff: true } as const
    try {
      return resultOf(await this.connector.request({ ...request, ...options, signal }), this.clock.now())
    } catch (error) {
      // Whoever stops the job is not the receiver's fault.
      signal.throwIfAborted()
      if (!(error instanceof NetError)) throw error
      const { code, message: detail } = error
      return { status: null, excerpt: null, error: { code: CODES[code], detail }, retryAfterMs: null }
    }
  }
}
