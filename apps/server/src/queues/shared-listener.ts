import { EventEmitter } from 'node:events'

import pg from 'pg'

/**
 * BullMQ hears nothing of a client that it has in hand between two queries, or that it has just connected or is about to
 * close; a connection that is cut in that moment would end the process. A query that waits is told by its own rejection,
 * and whoever lost the client takes a new one.
 */
export class PatientClient extends pg.Client {
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'error' && this.listenerCount('error') === 0) return false
    return super.emit(event, ...args)
  }
}

/**
 * One connection on which all workers of a process listen. BullMQ opens one per worker, and a database has few to give;
 * all of them would hear the same notices, since BullMQ tells of every queue on one channel.
 */
export class SharedListener {
  private readonly members = new Set<EventEmitter>()
  private connecting: Promise<pg.Client> | null = null
  private connected: pg.Client | null = null
  private saying: Promise<unknown> = Promise.resolve()

  /** What BullMQ takes for a `pg.Client` of its own: it listens on the shared connection, and ends by leaving it. */
  readonly Client: new () => EventEmitter

  constructor(private readonly config: pg.ClientConfig) {
    const client = () => this.client()
    const say = (text: string, values?: unknown[]) => this.say(text, values)
    const join = (member: EventEmitter) => this.members.add(member)
    const leave = (member: EventEmitter) => this.leave(member)
    this.Client = class ListeningMember extends EventEmitter {
      async connect(): Promise<void> {
        join(this)
        await client()
      }

      query(text: string, values?: unknown[]): Promise<unknown> {
        return say(text, values)
      }

      end(): Promise<void> {
        return leave(this)
      }
    }
  }

  /** One statement after the other: members know nothing of each other. */
  private say(text: string, values?: unknown[]): Promise<unknown> {
    const said = this.saying.then(async () => (await this.client()).query(text, values))
    this.saying = said.catch(() => undefined)
    return said
  }

  private client(): Promise<pg.Client> {
    if (this.connecting !== null) return this.connecting
    const connecting = this.connect()
    this.connecting = connecting
    connecting.catch(() => {
      if (this.connecting === connecting) this.connecting = null
    })
    return connecting
  }

  private async connect(): Promise<pg.Client> {
    const client = new PatientClient(this.config)
    await client.connect()
    this.connected = client
    client.on('notification', (notice) => {
      for (const member of this.members) member.emit('notification', notice)
    })
    client.on('error', (error) => this.lost(client, error))
    client.on('end', () => this.lost(client, new Error('the connection that listens for jobs was closed')))
    return client
  }

  /** Each member opens itself anew when it hears of it, and the first to do so brings the connection back. */
  private lost(client: pg.Client, error: Error): void {
    // It may tell of its end more than once, and another may stand in its place by then.
    if (this.connected !== client) return
    this.connected = null
    this.connecting = null
    const members = [...this.members]
    this.members.clear()
    for (const member of members) if (member.listenerCount('error') > 0) member.emit('error', error)
  }

  private async leave(member: EventEmitter): Promise<void> {
    this.members.delete(member)
    if (this.members.size > 0 || this.connecting === null) return
    const client = await this.connecting.catch(() => null)
    // Another may have come while this one waited.
    if (client === null || this.members.size > 0) return
    this.connecting = null
    this.connected = null
    await client.end()
  }
}
