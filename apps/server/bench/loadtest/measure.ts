import { logIn, type Visitor } from './api.js'
import { drive, type Order } from './drive.js'
import { lookAround, mixOf, ordersOf, type Writes } from './mix.js'
import { readNumbers, type Numbers } from './numbers.js'
import type { Login } from './options.js'
import { statisticsOf, type Statistics, type Stretch } from './statistics.js'

export interface SideOptions {
  url: string
  /** Who ask; the numbers of the server are read by the first. */
  people: readonly [Login, ...Login[]]
  connections: number
  writes: Writes
  signal: AbortSignal
  onAnswer?: (order: Order, body: string) => void
}

/** What a request cost the server; null where it does not tell. */
export interface Costs {
  cpuMs: number | null
  queries: number | null
  queryMs: number | null
  /** The most that was seen. */
  rssBytes: number | null
}

export interface Measured {
  statistics: Statistics
  costs: Costs
}

interface Round {
  stretch: Stretch
  before: Numbers | null
  after: Numbers | null
}

/** One server under load, round by round. */
export class Side {
  private readonly rounds: Round[] = []

  private constructor(
    private readonly options: SideOptions,
    private readonly next: (visitors: readonly Visitor[]) => Order,
  ) {}

  /** @throws Error with a sentence when the server cannot be reached or takes nobody of these people */
  static async open(options: SideOptions): Promise<Side> {
    const { url, people, writes } = options
    const visitor = await logIn(url, people[0])
    if (writes !== 'none' && visitor.role === 'viewer')
      throw new Error('A viewer may change nothing; --writes needs an operator or an admin.')
    return new Side(options, ordersOf(mixOf(await lookAround(url, visitor), writes)))
  }

  /** Not counted. */
  async warmUp(seconds: number): Promise<void> {
    await this.load(seconds)
  }

  async round(seconds: number): Promise<Measured> {
    const round = await this.load(seconds)
    this.rounds.push(round)
    return measuredIn([round])
  }

  /** All rounds together. */
  get measured(): Measured {
    return measuredIn(this.rounds)
  }

  private async load(seconds: number): Promise<Round> {
    const { url, people, connections, signal, onAnswer } = this.options
    // Access tokens last ten minutes: everybody comes with a new one.
    const [first, ...rest] = people
    const reader = await logIn(url, first)
    const visitors = [reader, ...(await Promise.all(rest.map((login) => logIn(url, login))))]
    const before = await readNumbers(url, reader)
    const next = () => this.next(visitors)
    const stretch = await drive({ ...{ url, connections, seconds, signal, next }, ...(onAnswer && { onAnswer }) })
    return { stretch, before, after: await readNumbers(url, reader) }
  }
}

const measuredIn = (rounds: readonly Round[]): Measured => {
  const statistics = statisticsOf(rounds.map(({ stretch }) => stretch))
  return { statistics, costs: costsOf(rounds, statistics.requests) }
}

const costsOf = (rounds: readonly Round[], requests: number): Costs => {
  const perRequest = (read: (numbers: Numbers) => number | null): number | null => {
    let total = 0
    for (const { before, after } of rounds) {
      // Another instance behind the same address, or one that was started anew.
      if (before === null || after === null || before.startedAt !== after.startedAt) return null
      const [first, last] = [read(before) ?? 0, read(after)]
      if (last === null) return null
      total += last - first
    }
    return total / requests
  }
  const memory = rounds.flatMap(({ after }) => (after === null ? [] : [after.rssBytes]))
  const thousandfold = (seconds: number | null) => (seconds === null ? null : seconds * 1_000)
  return {
    cpuMs: thousandfold(perRequest(({ cpuSeconds }) => cpuSeconds)),
    queries: perRequest(({ queries }) => queries?.count ?? null),
    queryMs: thousandfold(perRequest(({ queries }) => queries?.seconds ?? null)),
    rssBytes: memory.length === 0 ? null : Math.max(...memory),
  }
}
