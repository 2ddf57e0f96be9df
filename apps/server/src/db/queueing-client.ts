import pg from 'pg'

type AnyQuery = (...args: unknown[]) => unknown

/**
 * Prisma sends the queries of one transaction without waiting for each other, which pg queues by itself today, warns of
 * on the terminal, and will refuse in its next major version. Here they wait their turn before pg sees them.
 */
export class QueueingClient extends pg.Client {
  private last: Promise<unknown> = Promise.resolve()

  override query = ((...args: unknown[]): unknown => {
    const send = super.query.bind(this) as AnyQuery
    // The pool's own calls have a connection to themselves and pass a callback or a query object.
    if (typeof args.at(-1) === 'function' || isSubmittable(args[0])) return send(...args)
    const turn = this.last.then(() => send(...args))
    this.last = turn.catch(() => undefined) // whoever asked hears of the failure; the next in line only needs the turn
    return turn
  }) as pg.Client['query']
}

const isSubmittable = (query: unknown): boolean => typeof query === 'object' && query !== null && 'submit' in query
