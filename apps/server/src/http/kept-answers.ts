import type { Actor } from '../kernel/actor.js'
import type { Cached } from '../kernel/cache.port.js'
import type { Answers } from '../trpc/answers.js'
import type { CacheRule } from '../trpc/cache-rule.js'
import type { Exchange } from './exchange.js'
import type { HttpMetrics } from './metrics.port.js'
import type { ProcedureMap } from './trpc-procedures.js'
import { writtenInputs } from './written-inputs.js'

export interface KeptAnswersOptions {
  /** Null: nothing is kept. */
  answers: Answers | null
  procedures: ProcedureMap
  metrics: HttpMetrics
}

/** RFC 9211; browsers and proxies must not answer for us. */
const PRIVATE = { 'cache-control': 'private, no-cache' }
export const MISS_HEADERS = { ...PRIVATE, 'cache-status': 'Gantry; fwd=miss' }

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

  /** Whether answers to all calls of this request are kept, so that the answer says what became of it. */
  areKept({ method, procedures }: Exchange): boolean {
    return method === 'GET' && this.rulesOf(procedures) !== null
  }

  /** @returns whether the request is answered */
  async answer(exchange: Exchange): Promise<boolean> {
    const began = performance.now()
    const rules = exchange.method === 'GET' ? this.rulesOf(exchange.procedures) : null
    if (rules === null || wantsStream(exchange)) return false
    const keys = this.keysOf(exchange, rules, exchange.actor)
    const found = keys === null ? null : await this.read(keys)
    if (found === null || exchange.signal.aborted) return false
    send(exchange, found)
    this.report(exchange.procedures, (performance.now() - began) / 1_000)
    return true
  }

  /** The raw inputs of this request, to be remembered as their calls are parsed. */
  rememberer(exchange: Exchange): (batchIndex: number, input: string) => void {
    const { answers } = this.options
    const written = this.areKept(exchange) ? writtenInputs(exchange) : null
    return (batchIndex, input) => {
      const [procedure, text] = [exchange.procedures[batchIndex], written?.[batchIndex]]
      if (procedure !== undefined && text !== undefined) answers?.remember(procedure, text, input)
    }
  }

  private rulesOf(names: readonly string[]): CacheRule[] | null {
    if (this.options.answers === null || names.length === 0) return null
    const rules = names.map((name) => this.rules.get(name))
    return areAll(rules) ? rules : null
  }

  private keysOf(exchange: Exchange, rules: CacheRule[], actor: Actor | null): string[] | null {
    const { answers } = this.options
    const written = writtenInputs(exchange)
    if (answers === null || written === null) return null
    const keys = rules.map((rule, n) => {
      const procedure = exchange.procedures[n] ?? ''
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

const send = ({ res, query }: Exchange, found: readonly Cached<Buffer>[]): void => {
  const parts = found.map(({ value }) => value)
  const [only] = parts
  const body = query.get('batch') === '1' || only === undefined ? joined(parts) : only
  res.writeHead(200, {
    ...PRIVATE,
    'cache-status': 'Gantry; hit',
    age: String(Math.floor(Math.max(...found.map(({ ageSeconds }) => ageSeconds)))),
    'content-type': 'application/json',
    vary: 'trpc-accept, accept, origin',
    'content-length': body.length,
  })
  res.end(body)
}
