import type { PrinterCommandKind } from '@gantry/schemas'

import {
  every,
  RareLog,
  type CallOff,
  type EventBus,
  type Logger,
  type Timers,
  type UnitOfWork,
  type Unsubscribe,
} from '../../kernel/index.js'
import { expireLate, finished } from './command-facts.js'
import { fromDriverError } from './driver-failure.js'
import type { Fleet } from './fleet.js'
import { millisecondsSince, momentOf, type Moment } from './lease-term.js'
import { DriverError } from './printer-driver.port.js'
import type { PrinterSession } from './printer-session.js'
import type { CommandRecord, CommandRepository, PrinterRecord, TakenCommand } from './printers.ports.js'

/** For the host, within what the order's deadline leaves. */
const HOST_MS = 10_000
const LOOK_EVERY_MS = 1_000
/** How long a host may take to show what it accepted. */
const SHOWN_WITHIN_MS = { pause: 120_000, cancel: 180_000 }

export interface CommandRunnerDeps {
  unitOfWork: UnitOfWork<{ commands: CommandRepository }>
  bus: EventBus
  fleet: Pick<Fleet, 'served' | 'find'>
  instanceId: string
  clock: Timers
  log: Logger
}

/** What became of an order: told to the host, refused, not ours to tell any more, or too late to be told. */
type Outcome = 'told' | DriverError | 'not_ours' | 'late'

/** Orders to printers, from the side of who carries them out: the instance that drives the printer. */
export class CommandRunner {
  private readonly unsubscribe: Unsubscribe[] = []
  private callOff: CallOff = () => undefined
  private running: Promise<void> = Promise.resolve()
  private requested = false
  private readonly inHand = new Set<Promise<void>>()

  private readonly rareLog: RareLog

  constructor(private readonly deps: CommandRunnerDeps) {
    this.rareLog = new RareLog(deps.log, deps.clock)
  }

  start(): Promise<void> {
    this.unsubscribe.push(this.deps.bus.onWake('printer.command', () => this.look()))
    this.callOff = every(this.deps.clock, LOOK_EVERY_MS, () => this.look())
    return Promise.resolve()
  }

  async stop(): Promise<void> {
    this.callOff()
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
        this.rareLog.warn({ err: error }, 'printer commands could not be taken; tried again within a second'),
      )
  }

  private async takeAll(): Promise<void> {
    const { unitOfWork, fleet, instanceId, clock } = this.deps
    // A printer that is only just being connected may have its host in a moment.
    const ready = fleet.served().flatMap(({ record, live }) => (live.link === 'connecting' ? [] : [record.id]))
    const asked = momentOf(clock)
    const taken = await unitOfWork.run(async (tx) => {
      await expireLate(tx)
      return ready.length === 0 ? [] : tx.commands.take(instanceId, ready)
    })
    // One slow host must not make the others' orders wait.
    for (const command of taken) {
      const carried = this.carryOut(command, asked).finally(() => this.inHand.delete(carried))
      this.inHand.add(carried)
    }
  }

  private async carryOut(command: TakenCommand, asked: Moment): Promise<void> {
    const { unitOfWork, instanceId, bus, log } = this.deps
    const outcome = await this.tell(command, asked)
    try {
      await unitOfWork.run(async (tx) => {
        if (outcome === 'not_ours') return tx.commands.putBack(command.id, instanceId)
        const result = resultOf(outcome)
        if (await tx.commands.finish(command.id, instanceId, result))
          tx.record(finished(command, result.state), 'system')
      })
      if (outcome === 'not_ours') bus.wake('printer.command')
    } catch (error) {
      log.error({ err: error, commandId: command.id }, 'the result of a printer command could not be stored')
    }
  }

  /** @param asked before the order was taken: its time is counted from there, by this process's own clocks */
  private async tell(command: TakenCommand, asked: Moment): Promise<Outcome> {
    const { fleet, clock } = this.deps
    const leftMs = command.leftMs - millisecondsSince(asked, clock)
    if (leftMs <= 0) return 'late'
    const supervisor = fleet.find(command.printerId)
    const session = supervisor?.openSession ?? null
    if (supervisor === null || session?.isOver === true) return 'not_ours'
    if (session === null) return new DriverError('unreachable', 'the printer host is not connected')
    try {
      const path = command.kind === 'emergency_stop' ? null : meantPath(command, supervisor.record, session)
      await carry(command.kind, session, path, Math.min(HOST_MS, leftMs))
      if (command.kind === 'pause' || command.kind === 'cancel')
        supervisor.expect(command.kind, SHOWN_WITHIN_MS[command.kind])
      if (command.kind === 'resume') supervisor.expectNothing()
      return 'told'
    } catch (error) {
      return error instanceof DriverError ? error : new DriverError('protocol', 'unexpected failure', { cause: error })
    }
  }
}

const resultOf = (outcome: Exclude<Outcome, 'not_ours'>): Parameters<CommandRepository['finish']>[2] => {
  if (outcome === 'told') return { state: 'done' }
  if (outcome === 'late') return { state: 'expired' }
  return { state: 'failed', errorCode: fromDriverError(outcome).code, errorDetail: outcome.message }
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

const carry = (kind: PrinterCommandKind, session: PrinterSession, path: string | null, ms: number): Promise<void> => {
  const { connection } = session
  const signal = session.deadline(ms)
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
