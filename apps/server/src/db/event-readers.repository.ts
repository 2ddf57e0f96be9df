import type { EventReaderRepository } from '../kernel/event-reader.port.js'
import type { EventCursor } from '../kernel/events.js'
import type { Prisma } from './generated/client.js'

export class PrismaEventReaderRepository implements EventReaderRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async cursorOf(name: string) {
    const row = await this.tx.eventReader.findUnique({ where: { name }, select: { cursor: true } })
    return row?.cursor ?? null
  }

  async lockAt(name: string, cursor: EventCursor) {
    const rows = await this.tx.$queryRaw<object[]>`
      select 1 from event_reader where name = ${name} and cursor = ${cursor} for update skip locked`
    return rows.length === 1
  }

  async move(name: string, cursor: EventCursor, now: Date) {
    await this.tx.eventReader.update({ where: { name }, data: { cursor, movedAt: now } })
  }
}
