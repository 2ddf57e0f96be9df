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

/** Within what time an order is carried out, or not at all. */
const DEADLINE_SECONDS: Record<PrinterCommandKind, number> = { pause: 15, resume: 15, cancel: 15, emergency_stop: 5 }
/** How much longer its answer is waited for. */
const ANSWER_GRACE_MS = 3_000
const LOOK_EVERY_MS = 250
/** How long an emergency waits for the instance that drives the printer. */
const OWNER_FIRST_MS = 1_000
const DIRECT_STOP_MS = 5_000

export type OrderedPrinter = Pick<PrinterRecord, 'id' | 'kind' | 'url' | 'apiKeyCipher' | 'activeAttempt'>

export interface CommandDeskDeps {
  unitOfWork: UnitOfWork<{ commands: CommandRepository }>
  reads: Primary<{ commands: Pick<CommandRepository, 'get'> }>
  bus: EventBus
  drivers: DriverRegistry
  sealer: CredentialSealer
  clock: Timers
  log: Logger
}

/** Orders to printers, from the side of who gives them: a row with a deadline, answered or expired, never late. */
export class CommandDesk {
  constructor(private readonly deps: CommandDeskDeps) {}

  /** @throws GantryError `COMMAND_EXPIRED`, `PRINTER_…` */
  async order(actor: Actor, printer: OrderedPrinter, kind: PrinterCommandKind): Promise<void> {
    const { unitOfWork, bus, clock } = this.deps
    const id = newId('printerCommand')
    const deadlineSeconds = DEADLINE_SECONDS[kind]
    const attemptId = printer.activeAttempt?.id ?? null
    const untilMs = clock.monotonicMs() + deadlineSeconds * 1_000
    const isDriven = await unitOfWork.run(({ commands }) =>
      commands.create({ id, printerId: printer.id, kind, attemptId, deadlineSeconds, createdById: actor.id }),
    )
    const answer = this.answered(actor, id, untilMs)
    bus.wake('printer.command')
    await (kind === 'emergency_stop' ? this.stop(printer, id, answer, isDriven) : this.expectDone(kind, answer))
  }

  /** The owner first; when it does not answer at once, or cannot, this instance tells the host itself. */
  private async stop(
    printer: OrderedPrinter,
    commandId: string,
    answer: Promise<CommandRecord | null>,
    isDriven: boolean,
  ): Promise<void> {
    // Whatever keeps the answer away, a database that is gone too, must not keep the machine running.
    const heard = answer.catch(() => null)
    const patience = isDriven ? pause(this.deps.clock, OWNER_FIRST_MS, new AbortController().signal) : null
    const early = await Promise.race([heard, patience])
    if (early?.state === 'done') return
    const failure = await this.stopDirectly(printer)
    if (failure === null) return this.conclude(printer.id, commandId)
    const late = await heard
    if (late?.state !== 'done') throw fromDriverError(failure)
  }

  private async stopDirectly({ id, kind, url, apiKeyCipher }: OrderedPrinter): Promise<DriverError | null> {
    const { drivers, sealer, clock, log } = this.deps
    try {
      const target = { url, apiKey: apiKeyCipher === null ? null : sealer.open(apiKeyCipher) }
      await drivers.driverFor(kind).emergencyStop(target, clock.deadline(DIRECT_STOP_MS))
      log.warn({ printerId: id }, 'emergency stop: the host was told straight from here')
      return null
    } catch (error) {
      log.error({ err: error, printerId: id }, 'emergency stop: the host could not be told straight from here')
      return error instanceof DriverError ? error : new DriverError('protocol', 'unexpected failure', { cause: error })
    }
  }

  /** The machine stands still; that this cannot be written down must not look as if it did not. */
  private async conclude(printerId: string, commandId: string): Promise<void> {
    const { unitOfWork, log } = this.deps
    const command = { id: commandId, printerId, kind: 'emergency_stop' as const }
    try {
      await unitOfWork.run(async (tx) => {
        if (await tx.commands.carriedOutElsewhere(commandId)) tx.record(finished(command, 'done'), 'system')
      })
    } catch (error) {
      log.error({ err: error, commandId }, 'the result of a printer command could not be stored')
    }
  }

  private async expectDone(kind: PrinterCommandKind, answer: Promise<CommandRecord | null>): Promise<void> {
    const command = await answer
    if (command?.state === 'done') return
    if (command?.state !== 'failed') throw new GantryError('COMMAND_EXPIRED', { params: { kind } })
    throw new GantryError((command.errorCode ?? 'INTERNAL') as ErrorCode, {
      params: { detail: command.errorDetail ?? '' },
    })
  }

  private async answered(actor: Actor, commandId: string, untilMs: number): Promise<CommandRecord | null> {
    const { unitOfWork, reads, bus, clock } = this.deps
    let woken = new AbortController()
    const unsubscribe = bus.onEvent((event) => {
      if (event.type === 'printer_command.finished' && event.payload.commandId === commandId) woken.abort()
    })
    try {
      for (;;) {
        woken = new AbortController()
        // There may be no other instance to do so.
        if (clock.monotonicMs() >= untilMs) await unitOfWork.run(expireLate)
        const command = await reads.commands.get(actor, commandId)
        if (command === null || !['pending', 'taken'].includes(command.state)) return command
        if (clock.monotonicMs() >= untilMs + ANSWER_GRACE_MS) return null
        await pause(clock, LOOK_EVERY_MS, woken.signal)
      }
    } finally {
      unsubscribe()
    }
  }
}
