import type { Cached } from '../kernel/cache.port.js'
import type { Answers } from '../trpc/answers.js'
import type { Exchange } from './exchange.js'
import { KeptCallsTable, type KeptCalls } from './kept-calls.js'
import type { HttpMetrics } from './metrics.port.js'
import type { ProcedureMap } from './trpc-procedures.js'
import { sendParts } from './respond.js'

export interface KeptAnswersOptions {
  /** Null: nothing is kept. */
  answers: Answers | null
  procedures: ProcedureMap
  metrics: HttpMetrics
}

/** RFC 9211; browsers and proxies must not answer for us. */
const CACHE_CONTROL = 'private, no-cache'
export const MISS_HEADERS = { 'cache-control': CACHE_CONTROL, 'cache-status': 'Gantry; fwd=miss' }

const areAll = <T>(values: readonly (T | undefined)[]): values is T[] => !values.includes(undefined)

/**
 * Answers GET requests of queries whose answers are kept, before tRPC is entered, which costs ten times as much. The
 * caller is known by then; an answer is kept only under the role and scope of somebody who was allowed to ask.
 */
export class KeptAnswers {
  private readonly table: KeptCallsTable

  constructor(private readonly options: KeptAnswersOptions) {
    this.table = new KeptCallsTable(options.procedures)
  }

  /** @returns undefined when the answer to one of them is never kept */
  callsOf(exchange: Exchange): KeptCalls | undefined {
    return this.options.answers === null ? undefined : this.table.of(exchange)
  }

  /** @returns whether the request is answered */
  async answer(exchange: Exchange, calls: KeptCalls): Promise<boolean> {
    const began = performance.now()
    const keys = wantsStream(exchange) ? null : this.keysOf(exchange, calls)
    const found = keys === null ? null : await this.read(keys)
    if (keys !== null) exchange.cacheResult = found === null ? 'miss' : 'hit'
    if (found === null || exchange.isAborted) return false
    send(exchange, found, calls.isBatch)
    this.report(calls.procedures, (performance.now() - began) / 1_000)
    return true
  }

  /** Remembers what a call wrote, now that it is parsed. */
  remember({ procedures, written, inputs }: KeptCalls, batchIndex: number, input: string): void {
    const [procedure, text] = [procedures[batchIndex], written?.[batchIndex]]
    if (procedure === undefined || text === undefined) return
    inputs[batchIndex] = input
    this.options.answers?.remember(procedure, text, input)
  }

  private keysOf({ actor }: Exchange, { procedures, rules, written, inputs }: KeptCalls): string[] | null {
    const { answers } = this.options
    if (answers === null || written === null) return null
    const keys: string[] = []
    for (const [n, rule] of rules.entries()) {
      const procedure = procedures[n] ?? ''
      const input = (inputs[n] ??= answers.recall(procedure, written[n] ?? ''))
      if (input === undefined) return null
      keys.push(answers.keyOf(procedure, input, rule, actor))
    }
    return keys
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

const inOneList = (answers: readonly Buffer[]): Buffer[] => [
  ...answers.flatMap((answer, n) => [n === 0 ? OPEN : COMMA, answer]),
  CLOSE,
]

const send = (exchange: Exchange, found: readonly Cached<Buffer>[], isBatch: boolean): void => {
  const { head } = exchange
  const answers = found.map(({ value }) => value)
  head['Cache-Control'] = CACHE_CONTROL
  head['Cache-Status'] = 'Gantry; hit'
  head['Age'] = Math.floor(Math.max(...found.map(({ ageSeconds }) => ageSeconds)))
  head['Vary'] = 'trpc-accept, accept, origin'
  sendParts(exchange, 200, isBatch ? inOneList(answers) : answers)
}
