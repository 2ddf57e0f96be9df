import type { ErrorCode, PrinterCommandKind } from '@gantry/schemas'

import {
  GantryError,
  newId,
  pause,
  type Actor,
  type EventBus,
  type Logger,
  type Primary,
  type Timers,
  type UnitOfWork,
} from '../../kernel/index.js'
import { expireLate, finished } from './command-facts.js'
import { fromDriverError } from './driver-failure.js'
import { DriverError } from './printer-driver.port.js'
import type {
  CommandRecord,
  CommandRepository,
  CredentialSealer,
  DriverRegistry,
  PrinterRecord,
} from './printers.ports.js'
import { printerKeyAt } from './printers.ports.js'

/** Within what time an order is carried out, or not at all; counted from when it was given. */
const DEADLINE_SECONDS: Record<PrinterCommandKind, number> = { pause: 15, resume: 15, cancel: 15, emergency_stop: 5 }
/** How much longer its answer is waited for. */
const ANSWER_GRACE_MS = 3_000
const LOOK_EVERY_MS = 250
/** How long an emergency waits for the instance that drives the printer, the writing of its order included. */
const OWNER_FIRST_MS = 1_000
const DIRECT_STOP_MS = 5_000
/** How long whoever stopped a machine waits for that to be written down; it is written later, if it takes longer. */
const CONCLUDED_WITHIN_MS = 1_000

export type OrderedPrinter = Pick<PrinterRecord, 'id' | 'kind' | 'url' | 'apiKeyCipher' | 'activeAttempt'>

export interface CommandDeskDeps {
  unitOfWork: UnitOfWork<{ commands: CommandRepository }>
  reads: Primary<{ commands: Pick<CommandRepository, 'get'> }>
  bus: Pick<EventBus, 'onEvent' | 'wake'>
  drivers: DriverRegistry
  sealer: CredentialSealer
  clock: Timers
  log: Logger
}

interface Order {
  id: string
  actor: Actor
  printer: OrderedPrinter
  kind: PrinterCommandKind
  /** By this process's monotonic clock. */
  untilMs: number
}

/** Orders to printers, from the side of who gives them: a row with a deadline, answered or expired, never late. */
export class CommandDesk {
  constructor(private readonly deps: CommandDeskDeps) {}

  /** @throws GantryError `COMMAND_EXPIRED`, `UNAVAILABLE` when it could not be given, `PRINTER_…` */
  async order(actor: Actor, printer: OrderedPrinter, kind: PrinterCommandKind): Promise<void> {
    const untilMs = this.deps.clock.monotonicMs() + DEADLINE_SECONDS[kind] * 1_000
    const order = { id: newId('printerCommand'), actor, printer, kind, untilMs }
    if (kind === 'emergency_stop') return this.stop(order)
    await this.write(order)
    expectDone(kind, await this.answered(order))
  }

  /** @returns whether an instance drives the printer */
  private write({ id, actor, printer, kind, untilMs }: Order): Promise<boolean> {
    const { unitOfWork, clock } = this.deps
    const about = { printerId: printer.id, attemptId: printer.activeAttempt?.id ?? null, createdById: actor.id }
    return unitOfWork.run(({ commands }) => {
      // What is left at this try: a transaction that is done again must not make the order live longer.
      const deadlineSeconds = (untilMs - clock.monotonicMs()) / 1_000
      if (deadlineSeconds <= 0) throw new GantryError('COMMAND_EXPIRED', { params: { kind } })
      return commands.create({ id, kind, ...about, deadlineSeconds })
    })
  }

  /**
   * The owner first; when it does not answer at once, or cannot, this instance tells the host itself. Whatever keeps the
   * row or the answer away, a database that is gone or hangs too, must not keep the machine running.
   */
  private async stop(order: Order): Promise<void> {
    const { clock, log } = this.deps
    let isTold = false
    const written = this.write(order)
    written.catch((err: unknown) => log.error({ err, commandId: order.id }, 'an emergency stop could not be stored'))
    // Written after the host was told, it is nobody's order any more.
    const answer = written.then(() => (isTold ? null : this.answered(order))).catch(() => null)
    const fromOwner = written.then((isDriven) => (isDriven ? answer : null)).catch(() => null)
    const early = await this.within(OWNER_FIRST_MS, fromOwner)
    if (early?.state === 'done') return
    const failure = await this.stopDirectly(order.printer)
    if (failure === null) {
      isTold = true
      // Of a commit whose answer got lost there may be a row too.
      await this.within(
        CONCLUDED_WITHIN_MS,
        written.catch(() => false).then(() => this.conclude(order)),
      )
      return
    }
    const late = await this.within(order.untilMs + ANSWER_GRACE_MS - clock.monotonicMs(), answer)
    if (late?.state !== 'done') throw fromDriverError(failure)
  }

  private async stopDirectly({ id, kind, url, apiKeyCipher }: OrderedPrinter): Promise<DriverError | null> {
    const { drivers, sealer, clock, log } = this.deps
    try {
      const target = { url, apiKey: apiKeyCipher === null ? null : sealer.open(apiKeyCipher, printerKeyAt(id)) }
      await drivers.driverFor(kind).emergencyStop(target, clock.deadline(DIRECT_STOP_MS))
      log.warn({ printerId: id }, 'emergency stop: the host was told straight from here')
      return null
    } catch (error) {
      log.error({ err: error, printerId: id }, 'emergency stop: the host could not be told straight from here')
      return error instanceof DriverError ? error : new DriverError('protocol', 'unexpected failure', { cause: error })
    }
  }

  /** The machine stands still; that this cannot be written down must not look as if it did not. */
  private async conclude({ id, printer, kind }: Order): Promise<void> {
    const { unitOfWork, log } = this.deps
    try {
      await unitOfWork.run(async (tx) => {
        if (await tx.commands.carriedOutElsewhere(id))
          tx.record(finished({ id, printerId: printer.id, kind }, 'done'), 'system')
      })
    } catch (error) {
      log.error({ err: error, commandId: id }, 'the result of a printer command could not be stored')
    }
  }

  /** Wakes the owner, and waits for what becomes of the order; null when nobody says so in time. */
  private async answered({ id, actor, untilMs }: Order): Promise<CommandRecord | null> {
    const { unitOfWork, reads, bus, clock } = this.deps
    let woken = new AbortController()
    const unsubscribe = bus.onEvent((event) => {
      if (event.type === 'printer_command.finished' && event.payload.commandId === id) woken.abort()
    })
    bus.wake('printer.command')
    try {
      for (;;) {
        woken = new AbortController()
        // There may be no other instance to do so.
        if (clock.monotonicMs() >= untilMs) await unitOfWork.run(expireLate)
        const command = await reads.commands.get(actor, id)
        if (command === null || !['pending', 'taken'].includes(command.state)) return command
        if (clock.monotonicMs() >= untilMs + ANSWER_GRACE_MS) return null
        await pause(clock, LOOK_EVERY_MS, woken.signal)
      }
    } finally {
      unsubscribe()
    }
  }

  /** What is there within `ms`; null when it takes longer. */
  private async within<T>(ms: number, awaited: Promise<T>): Promise<T | null> {
    const enough = new AbortController()
    const late = pause(this.deps.clock, ms, enough.signal).then(() => null)
    return Promise.race([awaited, late]).finally(() => enough.abort())
  }
}

const expectDone = (kind: PrinterCommandKind, command: CommandRecord | null): void => {
  if (command?.state === 'done') return
  if (command?.state !== 'failed') throw new GantryError('COMMAND_EXPIRED', { params: { kind } })
  throw new GantryError((command.errorCode ?? 'INTERNAL') as ErrorCode, {
    params: { detail: command.errorDetail ?? '' },
  })
}
