import { LRUCache } from 'lru-cache'

import type { CacheRule } from '../trpc/cache-rule.js'
import type { Exchange } from './exchange.js'
import { procedureNames, type ProcedureMap } from './trpc-procedures.js'
import { writtenInputs } from './written-inputs.js'

/** The calls of one GET request, all of queries whose answers are kept. */
export interface KeptCalls {
  procedures: readonly string[]
  rules: readonly CacheRule[]
  isBatch: boolean
  /** Their inputs as text; null when they cannot be told apart. */
  written: readonly string[] | null
  /** The hashes of their parsed inputs, as far as they were heard of. */
  inputs: (string | undefined)[]
}

/** So many URLs are remembered, the least recently asked for go first. */
const MOST_URLS = 2_000
/** Longer ones are read each time. */
const LONGEST_URL = 2_000

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
 * What GET requests ask for, read once per URL: dashboards ask for the same again and again, and to take a batch apart
 * costs more than to find its answers.
 */
export class KeptCallsTable {
  private readonly rules: ReadonlyMap<string, CacheRule>
  private readonly known = new LRUCache<string, KeptCalls>({ max: MOST_URLS })

  constructor(private readonly procedures: ProcedureMap) {
    this.rules = rulesIn(procedures)
  }

  /** @returns undefined when the answer to one of them is never kept */
  of(exchange: Exchange): KeptCalls | undefined {
    const { url = '' } = exchange.req
    if (exchange.method !== 'GET') return undefined
    const known = this.known.get(url)
    if (known !== undefined) return known
    const calls = this.read(exchange)
    if (calls !== undefined && url.length <= LONGEST_URL) this.known.set(url, calls)
    return calls
  }

  private read(exchange: Exchange): KeptCalls | undefined {
    const procedures = procedureNames(exchange, this.procedures)
    const rules = procedures.map((name) => this.rules.get(name))
    if (!areAll(rules)) return undefined
    const written = writtenInputs(exchange, procedures)
    const isBatch = exchange.query.get('batch') === '1'
    return { procedures, rules, isBatch, written, inputs: procedures.map(() => undefined) }
  }
}
