import type { PrinterStatus, PrinterStatusEvent } from '@gantry/schemas'

import type { Actor, EventBus, Primary } from '../../kernel/index.js'
import { allPrinters } from './all-printers.js'
import { composeStatus } from './printer-status.js'
import type { PrinterRecord, PrinterRepository } from './printers.ports.js'
import type { StatusBoard } from './status-board.js'

const LOOK_EVERY_MS = 5_000

export interface StatusStreamDeps {
  /** Whoever heard of a change must see it. */
  reads: Primary<{ printers: PrinterRepository }>
  board: StatusBoard
  bus: EventBus
}

/**
 * The live status of every printer that the actor may see: all of them first, then each change. A slow reader gets the
 * latest status of a printer, not every one in between.
 */
export async function* statusStream(
  deps: StatusStreamDeps,
  actor: Actor,
  signal: AbortSignal,
): AsyncGenerator<PrinterStatusEvent, void, void> {
  const { board, bus, reads } = deps
  const changed = new Set<string>()
  const reload = new Set<string>()
  const gate = new Gate()
  const unsubscribe = [
    board.onChange(({ printerId }) => {
      changed.add(printerId)
      gate.open()
    }),
    bus.onEvent(({ payload }) => {
      if (!('printerId' in payload)) return
      reload.add(payload.printerId)
      gate.open()
    }),
  ]
  const onAbort = () => gate.open()
  signal.addEventListener('abort', onAbort, { once: true })
  // Nothing is said of a printer whose server died: that it is stale now is found by looking.
  const told = new Map<string, string>()
  const timer = setInterval(() => {
    for (const record of records.values()) if (told.get(record.id) !== status(record).state) changed.add(record.id)
    if (changed.size > 0) gate.open()
  }, LOOK_EVERY_MS)
  const status = (record: PrinterRecord): PrinterStatus =>
    composeStatus(record, board.get(record.id), board.clock.now())
  const tell = (record: PrinterRecord): PrinterStatus => {
    const printer = status(record)
    told.set(record.id, printer.state)
    return printer
  }
  let records = new Map<string, PrinterRecord>()
  try {
    records = await allPrinters(reads.printers, actor)
    yield { type: 'snapshot', printers: [...records.values()].map(tell) }
    if (signal.aborted) gate.open() // before anybody listened to it
    for (;;) {
      await gate.passed()
      if (signal.aborted) return
      for (const printerId of take(reload)) {
        changed.add(printerId)
        const record = await reads.printers.get(actor, printerId)
        if (record !== null) records.set(printerId, record)
        else if (records.delete(printerId)) yield { type: 'removed', printerId }
      }
      for (const printerId of take(changed)) {
        const record = records.get(printerId)
        if (record !== undefined) yield { type: 'changed', printer: tell(record) }
      }
    }
  } finally {
    clearInterval(timer)
    signal.removeEventListener('abort', onAbort)
    for (const stop of unsubscribe) stop()
  }
}

const take = (ids: Set<string>): string[] => {
  const taken = [...ids]
  ids.clear()
  return taken
}

/** Lets one waiter through for any number of openings before it. */
class Gate {
  private isOpen = false
  private waiter: (() => void) | null = null

  open(): void {
    this.isOpen = true
    this.waiter?.()
  }

  async passed(): Promise<void> {
    if (!this.isOpen) await new Promise<void>((resolve) => (this.waiter = resolve))
    this.waiter = null
    this.isOpen = false
  }
}
