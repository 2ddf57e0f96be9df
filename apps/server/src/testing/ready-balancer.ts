import { once } from 'node:events'
import { Agent, createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

const ASK_EVERY_MS = 250
const ANSWER_WITHIN_MS = 2_000
const SILENCES = 3
const BODY_BYTES = 1_048_576
/** Of one connection alone; each end has its own with the balancer. */
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding'])

interface Target {
  url: () => string | null
  isReady: boolean
  /** How often in a row it did not answer in time. */
  silences: number
}

interface Held {
  req: IncomingMessage
  res: ServerResponse
  body: Buffer
  /** That refused its connection already. */
  tried: Set<Target>
}

/**
 * Stands before several servers as a load balancer does: asks each four times a second whether it is ready, and sends
 * requests in turn to those that are. A no counts at once, silence the third time. One that nobody has accepted goes to another server; one that was accepted is never
 * sent twice, so that its client sees what became of it.
 */
export class ReadyBalancer implements AsyncDisposable {
  private readonly server: Server
  private readonly agent = new Agent({ keepAlive: true })
  private readonly targets: readonly Target[]
  private readonly timer: NodeJS.Timeout
  private turn = 0
  private asking: Promise<void> | null = null

  private constructor(urls: readonly (() => string | null)[]) {
    this.targets = urls.map((url) => ({ url, isReady: false, silences: 0 }))
    this.server = createServer((req, res) => void this.take(req, res))
    this.timer = setInterval(() => {
      this.asking ??= this.askAll().finally(() => (this.asking = null))
    }, ASK_EVERY_MS)
  }

  /** @param urls of the servers; null while one has none */
  static async start(urls: readonly (() => string | null)[]): Promise<ReadyBalancer> {
    const balancer = new ReadyBalancer(urls)
    balancer.server.listen(0, '127.0.0.1')
    await once(balancer.server, 'listening')
    await balancer.askAll()
    return balancer
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  /** How many servers get requests now. */
  get readyCount(): number {
    return this.targets.filter(({ isReady }) => isReady).length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.timer)
    this.server.closeAllConnections()
    this.agent.destroy()
    await new Promise((resolve) => this.server.close(resolve))
  }

  private async askAll(): Promise<void> {
    await Promise.all(
      this.targets.map(async (target) => {
        const answer = await readiness(target.url())
        target.silences = answer === 'silent' ? target.silences + 1 : 0
        if (answer !== 'silent' || target.silences >= SILENCES) target.isReady = answer === 'yes'
      }),
    )
  }

  private async take(req: IncomingMessage, res: ServerResponse): Promise<void> {
    try {
      const parts: Buffer[] = []
      let length = 0
      for await (const part of req as AsyncIterable<Buffer>) {
        parts.push(part)
        length += part.length
        if (length > BODY_BYTES) throw new Error('the body is too large for this balancer')
      }
      this.pass({ req, res, body: Buffer.concat(parts), tried: new Set() })
    } catch {
      res.destroy()
    }
  }

  private pass(held: Held): void {
    const { req, res, body, tried } = held
    const target = this.next(tried)
    const url = target?.url() ?? null
    if (target === null || url === null) {
      res.writeHead(502).end()
      return
    }
    const { method, headers } = req
    const onward = request(url + (req.url ?? ''), { method, headers: endToEnd(headers), agent: this.agent })
    onward.once('response', (answer) => {
      res.writeHead(answer.statusCode ?? 502, endToEnd(answer.headers))
      res.flushHeaders()
      answer.once('error', () => res.destroy())
      answer.pipe(res)
    })
    onward.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNREFUSED') {
        res.destroy()
        return
      }
      tried.add(target)
      this.pass(held)
    })
    res.once('close', () => onward.destroy())
    onward.end(body)
  }

  private next(tried: ReadonlySet<Target>): Target | null {
    const able = this.targets.filter((target) => target.isReady && !tried.has(target))
    this.turn += 1
    return able[this.turn % Math.max(able.length, 1)] ?? null
  }
}

const endToEnd = <H extends object>(headers: H): H =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name))) as H

const readiness = async (url: string | null): Promise<'yes' | 'no' | 'silent'> => {
  if (url === null) return 'no'
  try {
    const response = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })
    await response.text()
    return response.ok ? 'yes' : 'no'
  } catch (error) {
    return error instanceof DOMException ? 'silent' : 'no'
  }
}
