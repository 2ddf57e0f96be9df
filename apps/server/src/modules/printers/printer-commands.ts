import type { ErrorCode, PrinterCommandKind } from '@gantry/schemas'

import {
  GantryError,
  newId,
  type Actor,
  type EventBus,
  type Logger,
  type UnitOfWork,
  type Unsubscribe,
} from '../../kernel/index.js'
import type { Fleet } from './fleet.js'
import { fromDriverError } from './driver-failure.js'
import { DriverError } from './printer-driver.port.js'
import type { PrinterSession } from './printer-session.js'
import type { CommandRecord, CommandRepository, PrinterRecord } from './printers.ports.js'

/** How long an order may wait for the instance that drives the printer, and then for the host. */
const DEADLINE_SECONDS: Record<PrinterCommandKind, number> = { pause: 15, resume: 15, cancel: 15, emergency_stop: 5 }
const HOST_MS = 10_000
const LOOK_EVERY_MS = 250
/** drivers: how long a host may take to show what it accepted. */
const SHOWN_WITHIN_MS = { pause: 120_000, cancel: 180_000 }

type Repositories = { commands: CommandRepository }

/** Orders to printers, from the side of who gives them: a row with a deadline, answered or expired, never late. */
export class CommandDesk {
  constructor(
    private readonly unitOfWork: UnitOfWork<Repositories>,
    private readonly bus: EventBus,
  ) {}

  /** @throws GantryError `COMMAND_EXPIRED`, `PRINTER_…` */
  async order(actor: Actor, printerId: string, kind: PrinterCommandKind, attemptId: string | null): Promise<void> {
    const id = newId('printerCommand')
    const deadlineSeconds = DEADLINE_SECONDS[kind]
    await this.unitOfWork.run(({ commands }) =>
      commands.create({ id, printerId, kind, attemptId, deadlineSeconds, createdById: actor.id }),
    )
    const answer = this.answered(actor, id, deadlineSeconds * 1_000 + HOST_MS + 2_000)
    this.bus.wake('printer.command')
    const command = await answer
    if (command?.state === 'done') return
    if (command?.state !== 'failed') throw new GantryError('COMMAND_EXPIRED', { params: { kind } })
    throw new GantryError((command.errorCode ?? 'INTERNAL') as ErrorCode, {
      params: { detail: command.errorDetail ?? '' },
    })
  }

  private async answered(actor: Actor, commandId: string, withinMs: number): Promise<CommandRecord | null> {
    const until = Date.now() + withinMs
    let woken: () => void = () => undefined
    const unsubscribe = this.bus.onEvent((event) => {
      if (event.type === 'printer_command.finished' && event.payload.commandId === commandId) woken()
    })
    try {
      while (Date.now() < until) {
        const command = await this.unitOfWork.run(({ commands }) => commands.get(actor, commandId))
        if (command === null || !['pending', 'taken'].includes(command.state)) return command
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, LOOK_EVERY_MS)
          woken = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
      return null
    } finally {
      unsubscribe()
    }
  }
}

/** Orders to printers, from the side of who carries them out: the instance that drives the printer. */
export class CommandRunner {
  private readonly unsubscribe: Unsubscribe[] = []
  private timer: NodeJS.Timeout | undefined
  private running: Promise<void> = Promise.resolve()
  private requested = false
  private readonly inHand = new Set<Promise<void>>()

  constructor(
    private readonly deps: {
      unitOfWork: UnitOfWork<Repositories>
      bus: EventBus
      fleet: Fleet
      instanceId: string
      log: Logger
    },
  ) {}

  start(): Promise<void> {
    this.unsubscribe.push(this.deps.bus.onWake('printer.command', () => this.look()))
    this.timer = setInterval(() => this.look(), 1_000)
    return Promise.resolve()
  }

  async stop(): Promise<void> {
    clearInterval(this.timer)
    for (const unsubscribe of this.unsubscribe.splice(0)) unsubscribe()
    await this.running
    await Promise.all(this.inHand)
  }

  private look(): void {
    if (this.requested) return
    this.requested = true
    this.running = this.running
      .then(() => {
        this.requested = false
        return this.takeAll()
      })
      .catch((error: unknown) =>
        this.deps.log.error({ err: error }, 'printer commands could not be taken; tried again within a second'),
      )
  }

  private async takeAll(): Promise<void> {
    const { unitOfWork, fleet, instanceId } = this.deps
    const served = fleet.served().map(({ record }) => record.id)
    const taken = await unitOfWork.run(async (tx) => {
      for (const ended of await tx.commands.expire()) tx.record(finished(ended, ended.state), 'system')
      return served.length === 0 ? [] : tx.commands.take(instanceId, served)
    })
    // One slow host must not make the others' orders wait.
    for (const command of taken) {
      const carried = this.carryOut(command).finally(() => this.inHand.delete(carried))
      this.inHand.add(carried)
    }
  }

  private async carryOut(command: CommandRecord): Promise<void> {
    const { unitOfWork, log } = this.deps
    const failure = await this.tell(command)
    const result =
      failure === null
        ? { state: 'done' as const }
        : { state: 'failed' as const, errorCode: fromDriverError(failure).code, errorDetail: failure.message }
    try {
      await unitOfWork.run(async (tx) => {
        await tx.commands.finish(command.id, result)
        tx.record(finished(command, result.state), 'system')
      })
    } catch (error) {
      log.error({ err: error, commandId: command.id }, 'the result of a printer command could not be stored')
    }
  }

  private async tell(command: CommandRecord): Promise<DriverError | null> {
    const supervisor = this.deps.fleet.find(command.printerId)
    const session = supervisor?.openSession
    if (supervisor == null || session == null)
      return new DriverError('unreachable', 'the printer host is not connected')
    try {
      const path = command.kind === 'emergency_stop' ? null : meantPath(command, supervisor.record, session)
      await carry(command.kind, session, path)
      if (command.kind === 'pause' || command.kind === 'cancel')
        supervisor.expect(command.kind, SHOWN_WITHIN_MS[command.kind])
      return null
    } catch (error) {
      return error instanceof DriverError ? error : new DriverError('protocol', 'unexpected failure', { cause: error })
    }
  }
}

/**
 * The print that the order was meant for: never the one that came after it. What Gantry did not order is meant by
 * whatever runs.
 * @throws DriverError `rejected` when it is over
 */
const meantPath = (command: CommandRecord, record: PrinterRecord | null, { latest }: PrinterSession): string | null => {
  const attempt = record?.activeAttempt ?? null
  if (command.attemptId !== (attempt?.id ?? null)) throw new DriverError('rejected', 'the print that was meant is over')
  return attempt === null ? (latest.job?.remotePath ?? null) : (attempt.remotePath ?? attempt.remoteName)
}

const carry = (kind: PrinterCommandKind, session: PrinterSession, path: string | null): Promise<void> => {
  const { connection } = session
  const signal = session.deadline(HOST_MS)
  switch (kind) {
    case 'pause':
      return connection.pause(path, signal)
    case 'resume':
      return connection.resume(path, signal)
    case 'cancel':
      return connection.cancel(path, signal)
    case 'emergency_stop':
      return connection.emergencyStop(signal)
  }
}

const finished = (command: CommandRecord, state: string) => ({
  type: 'printer_command.finished' as const,
  subjectType: 'printer',
  subjectId: command.printerId,
  payload: { commandId: command.id, printerId: command.printerId, kind: command.kind, state },
})
