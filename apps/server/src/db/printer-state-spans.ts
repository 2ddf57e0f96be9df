import { Prisma } from './generated/client.js'

export interface BegunState {
  printerId: string
  state: string
  /** Until when somebody drove the printer before, where that is over; null: until now. */
  drivenUntil?: Date | null
}

/**
 * Writes down that printers are in these states from now on, and for how long they were in the ones before: what
 * statistics of their time are made of. The caller holds the printers' runtime rows, so that changes of one printer come
 * one after the other, though the times of their transactions may not: then the later one wins at the same moment.
 */
export const beginSpans = async (tx: Prisma.TransactionClient, states: BegunState[], now: Date): Promise<void> => {
  if (states.length === 0) return
  const said = Prisma.sql`jsonb_to_recordset(${JSON.stringify(states)}::jsonb)
    AS said ("printerId" text, state text, "drivenUntil" timestamptz)`
  await tx.$executeRaw`
    UPDATE printer_state_span s SET until = greatest(s.since, least(${now}, said."drivenUntil"))
    FROM ${said} WHERE s.printer_id = said."printerId" AND s.until IS NULL AND s.since < ${now}`
  await tx.$executeRaw`
    INSERT INTO printer_state_span (printer_id, since, state)
    SELECT said."printerId", coalesce(open.since, ${now}), said.state
    FROM ${said} LEFT JOIN printer_state_span open ON open.printer_id = said."printerId" AND open.until IS NULL
    ON CONFLICT (printer_id, since) DO UPDATE SET state = EXCLUDED.state, until = NULL`
}

/** Nobody drives these printers any more: nobody knows what they do. */
export const endSpans = async (tx: Prisma.TransactionClient, printerIds: string[]): Promise<void> => {
  if (printerIds.length === 0) return
  await tx.$executeRaw`
    UPDATE printer_state_span SET until = greatest(since, now()) WHERE printer_id = ANY(${printerIds}) AND until IS NULL`
}
