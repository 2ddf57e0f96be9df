import type { Cached } from '../kernel/cache.port.js'
import type { Answers } from '../trpc/answers.js'
import type { CacheRule } from '../trpc/cache-rule.js'
import type { Exchange } from './exchange.js'
import type { HttpMetrics } from './metrics.port.js'
import type { ProcedureMap } from './trpc-procedures.js'
import { sendText } from './respond.js'
import { writtenInputs } from './written-inputs.js'

export interface KeptAnswersOptions {
  /** Null: nothing is kept. */
  answers: Answers | null
  procedures: ProcedureMap
  metrics: HttpMetrics
}

/** The calls of one request, all of queries whose answers are kept. */
export interface KeptCalls {
  rules: readonly CacheRule[]
  /** Their inputs as text; null when they cannot be told apart. */
  written: readonly string[] | null
}

/** RFC 9211; browsers and proxies must not answer for us. */
const CACHE_CONTROL = 'private, no-cache'
export const MISS_HEADERS = { 'cache-control': CACHE_CONTROL, 'cache-status': 'Gantry; fwd=miss' }

/** The rules of the queries whose answers are kept, by procedure. */
const rulesIn = (procedures: ProcedureMap): ReadonlyMap<string, CacheRule> =>
  new Map(
    [...procedures].flatMap(([name, { _def }]) => {
      const { cache } = (_def.meta ?? {}) as { cache?: CacheRule }
      return _def.type === 'query' && cache !== undefined ? [[name, cache] as const] : []
    }),
  )

const areAll = <T>(values: readonly (T | undefined)[]): values is T[] => !values.includes(undefined)

/**
 * Answers GET requests of queries whose answers are kept, before tRPC is entered, which costs ten times as much. The
 * caller is known by then; an answer is kept only under the role and scope of somebody who was allowed to ask.
 */
export class KeptAnswers {
  private readonly rules: ReadonlyMap<string, CacheRule>

  constructor(private readonly options: KeptAnswersOptions) {
    this.rules = rulesIn(options.procedures)
  }

  /** @returns null when the answer to one of them is never kept */
  callsOf(exchange: Exchange): KeptCalls | null {
    const { method, procedures } = exchange
    if (this.options.answers === null || method !== 'GET' || procedures.length === 0) return null
    const rules = procedures.map((name) => this.rules.get(name))
    return areAll(rules) ? { rules, written: writtenInputs(exchange) } : null
  }

  /** @returns whether the request is answered */
  async answer(exchange: Exchange, calls: KeptCalls): Promise<boolean> {
    const began = performance.now()
    const keys = wantsStream(exchange) ? null : this.keysOf(exchange, calls)
    const found = keys === null ? null : await this.read(keys)
    if (found === null || exchange.signal.aborted) return false
    send(exchange, found)
    this.report(exchange.procedures, (performance.now() - began) / 1_000)
    return true
  }

  /** Remembers what a call wrote, now that it is parsed. */
  remember({ procedures }: Exchange, { written }: KeptCalls, batchIndex: number, input: string): void {
    const [procedure, text] = [procedures[batchIndex], written?.[batchIndex]]
    if (procedure !== undefined && text !== undefined) this.options.answers?.remember(procedure, text, input)
  }

  private keysOf({ procedures, actor }: Exchange, { rules, written }: KeptCalls): string[] | null {
    const { answers } = this.options
    if (answers === null || written === null) return null
    const keys = rules.map((rule, n) => {
      const procedure = procedures[n] ?? ''
      const input = answers.recall(procedure, written[n] ?? '')
      return input === undefined ? undefined : answers.keyOf(procedure, input, rule, actor)
    })
    return areAll(keys) ? keys : null
  }

  private async read(keys: string[]): Promise<Cached<Buffer>[] | null> {
    const { answers } = this.options
    if (answers === null) return null
    const known = keys.map((key) => answers.peek(key))
    if (areAll(known)) return known
    const found = await Promise.all(keys.map(async (key, n) => known[n] ?? (await answers.find(key))))
    return areAll(found) ? found : null
  }

  private report(procedures: readonly string[], durationSeconds: number): void {
    for (const procedure of procedures)
      this.options.metrics.procedureFinished({ procedure, type: 'query', code: 'OK', durationSeconds })
  }
}

/** A client may ask for the answers of a batch one by one as they come. */
const wantsStream = ({ req: { headers } }: Exchange): boolean =>
  headers['trpc-accept'] !== undefined || headers.accept?.includes('application/jsonl') === true

const [OPEN, COMMA, CLOSE] = [Buffer.from('['), Buffer.from(','), Buffer.from(']')]

const joined = (parts: readonly Buffer[]): Buffer =>
  Buffer.concat([OPEN, ...parts.flatMap((part, n) => (n === 0 ? [part] : [COMMA, part])), CLOSE])

const send = (exchange: Exchange, found: readonly Cached<Buffer>[]): void => {
  const { res, query } = exchange
  const parts = found.map(({ value }) => value)
  const [only] = parts
  const body = query.get('batch') === '1' || only === undefined ? joined(parts) : only
  res.setHeader('cache-control', CACHE_CONTROL)
  res.setHeader('cache-status', 'Gantry; hit')
  res.setHeader('age', Math.floor(Math.max(...found.map(({ ageSeconds }) => ageSeconds))))
  res.setHeader('vary', 'trpc-accept, accept, origin')
  sendText(exchange, 200, 'application/json', body)
}
