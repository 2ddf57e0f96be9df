import { describe, expect, it } from 'vitest'

import { GantryError, onPrimary, pause, SYSTEM_ACTOR, type EventBus, type UnitOfWork } from '../../kernel/index.js'
import { ManualClock } from '../../testing/manual-clock.js'
import { recordingLogger } from '../../testing/recording-logger.js'
import { CommandDesk } from './command-desk.js'
import { DriverError } from './printer-driver.port.js'
import type { CommandRecord, CommandRepository, DriverRegistry } from './printers.ports.js'

const PRINTER = { id: 'prn_1', kind: 'octoprint', url: 'http://host', apiKeyCipher: null, activeAttempt: null } as const

type Row = CommandRecord & { deadlineSeconds: number }
type Try = (work: () => Promise<unknown>) => Promise<unknown>
type Store = UnitOfWork<{ commands: CommandRepository }>

/** A database, the other instances and a host as the test wants them. */
class Surroundings {
  readonly clock = new ManualClock()
  readonly log = recordingLogger()
  readonly rows: Row[] = []
  readonly recorded: string[] = []
  isDriven = true
  wakes = 0
  /** Orders that the host got from here. */
  told = 0
  /** What becomes of each transaction, and of each read. */
  transaction: Try = (work) => work()
  read: Try = (work) => work()
  host: () => Promise<void> = () => Promise.resolve()
  private readonly heard = new Set<Parameters<EventBus['onEvent']>[0]>()

  readonly desk = new CommandDesk({
    unitOfWork: { run: (work: Parameters<Store['run']>[0]) => this.transaction(() => work(this.tx())) } as Store,
    reads: onPrimary({
      commands: {
        get: (_actor, id) => this.read(() => Promise.resolve(this.find(id))) as Promise<CommandRecord | null>,
      },
    }),
    bus: {
      onEvent: (handler) => {
        this.heard.add(handler)
        return () => this.heard.delete(handler)
      },
      wake: () => (this.wakes += 1),
    },
    drivers: { driverFor: () => ({ emergencyStop: () => this.hear() }) } as unknown as DriverRegistry,
    sealer: { seal: (plain) => plain, open: (cipher) => cipher },
    ...{ clock: this.clock, log: this.log },
  })

  /** Gives an order and looks what has become of it. */
  order(kind: CommandRecord['kind'] = 'emergency_stop') {
    const given = { outcome: null as 'done' | GantryError | null }
    this.desk.order(SYSTEM_ACTOR, PRINTER, kind).then(
      () => (given.outcome = 'done'),
      (error: unknown) => (given.outcome = error as GantryError),
    )
    return given
  }

  /** What the owner stores, and tells of. */
  finish(state: CommandRecord['state']): void {
    for (const row of this.rows) Object.assign(row, { state })
    for (const handler of this.heard)
      handler({ type: 'printer_command.finished', payload: { commandId: this.rows[0]?.id } } as never)
  }

  /** The states of the orders in the database. */
  states(): string[] {
    return this.rows.map(({ state }) => state)
  }

  private hear(): Promise<void> {
    this.told += 1
    return this.host()
  }

  private find(id: string): Row | null {
    return this.rows.find((row) => row.id === id) ?? null
  }

  private tx(): Parameters<Parameters<Store['run']>[0]>[0] {
    const commands: Partial<CommandRepository> = {
      create: ({ createdById: _createdById, ...row }) => {
        this.rows.push({ ...row, state: 'pending', errorCode: null, errorDetail: null })
        return Promise.resolve(this.isDriven)
      },
      carriedOutElsewhere: (id) => {
        const row = this.find(id)
        const isNew = row !== null && row.state !== 'done'
        if (isNew) row.state = 'done'
        return Promise.resolve(isNew)
      },
      expire: () => Promise.resolve([]),
    }
    const record = ({ type, payload }: { type: string; payload: object }) =>
      void this.recorded.push(`${type} ${(payload as { state: string }).state}`)
    return { commands, record } as unknown as Parameters<Parameters<Store['run']>[0]>[0]
  }
}

const gone = () => Promise.reject(new GantryError('UNAVAILABLE'))

/** Transactions that do nothing until the test lets them. */
const held = () => {
  let letGo: () => void = () => undefined
  const free = new Promise<void>((resolve) => (letGo = resolve))
  return { transaction: (work: () => Promise<unknown>) => free.then(work), letGo }
}

describe('an emergency stop', () => {
  it('is left to the instance that drives the printer when that answers', async () => {
    const around = new Surroundings()
    const given = around.order()
    await around.clock.advance(900)
    around.finish('done')
    await around.clock.advance(0)
    expect([given.outcome, around.told, around.wakes]).toEqual(['done', 0, 1])
  })

  it('goes straight to the host after a second without an answer, and its row is done', async () => {
    const around = new Surroundings()
    const given = around.order()
    await around.clock.advance(999)
    expect([given.outcome, around.told]).toEqual([null, 0])
    await around.clock.advance(1)
    expect([given.outcome, around.told, around.states()]).toEqual(['done', 1, ['done']])
    expect(around.recorded).toEqual(['printer_command.finished done'])
  })

  it.each<[string, (around: Surroundings) => void]>([
    ['nobody drives the printer', (around) => (around.isDriven = false)],
    ['the database is gone', (around) => (around.transaction = gone)],
    ['its answer cannot be read', (around) => (around.read = gone)],
  ])('goes straight to the host at once when %s', async (_when, arrange) => {
    const around = new Surroundings()
    arrange(around)
    const given = around.order()
    await around.clock.advance(0)
    expect([given.outcome, around.told]).toEqual(['done', 1])
    expect(around.states()).not.toContain('pending')
  })

  it('waits for the owner no longer because the database was slow', async () => {
    const around = new Surroundings()
    const { transaction, letGo } = held()
    around.transaction = transaction
    const given = around.order()
    await around.clock.advance(900)
    letGo()
    await around.clock.advance(99)
    expect([around.told, around.states(), around.wakes]).toEqual([0, ['pending'], 1])
    await around.clock.advance(1)
    expect([given.outcome, around.told, around.states()]).toEqual(['done', 1, ['done']])
  })

  it('goes straight to the host after a second when its row cannot be written for so long', async () => {
    const around = new Surroundings()
    const { transaction, letGo } = held()
    around.transaction = transaction
    const given = around.order()
    await around.clock.advance(1_000)
    expect([around.told, given.outcome]).toEqual([1, null])
    await around.clock.advance(1_000)
    expect(given.outcome).toBe('done')
    // Written at last, it is nobody's order any more.
    letGo()
    await around.clock.advance(0)
    expect([around.states(), around.wakes, around.told]).toEqual([['done'], 0, 1])
  })

  it('is told as done although its row never can be written', async () => {
    const around = new Surroundings()
    around.transaction = () => new Promise(() => undefined)
    const given = around.order()
    await around.clock.advance(2_000)
    expect([given.outcome, around.told]).toEqual(['done', 1])
  })

  it('leaves no pending row when it was committed and only the word of that got lost', async () => {
    const around = new Surroundings()
    around.transaction = async (work) => {
      await work()
      around.transaction = (next) => next()
      return gone()
    }
    const given = around.order()
    await around.clock.advance(0)
    expect([given.outcome, around.told, around.states()]).toEqual(['done', 1, ['done']])
  })

  it('is done although the owner, who came second, was refused by a machine that stood still already', async () => {
    const around = new Surroundings()
    around.host = async () => {
      await Promise.resolve()
      around.finish('failed')
    }
    const given = around.order()
    await around.clock.advance(1_000)
    expect([given.outcome, around.states()]).toEqual(['done', ['done']])
  })

  it('is told as failed when neither the host nor the database can be reached, and not before the owner had its time', async () => {
    const around = new Surroundings()
    around.transaction = () => new Promise(() => undefined)
    around.host = () => Promise.reject(new DriverError('unreachable', 'no route'))
    const given = around.order()
    await around.clock.advance(7_999)
    expect([given.outcome, around.told]).toEqual([null, 1])
    await around.clock.advance(1)
    expect(given.outcome).toMatchObject({ code: 'PRINTER_UNREACHABLE' })
  })

  it('is done when only the owner reaches the host', async () => {
    const around = new Surroundings()
    around.host = () => Promise.reject(new DriverError('unreachable', 'no route'))
    const given = around.order()
    await around.clock.advance(2_000)
    expect([given.outcome, around.told]).toEqual([null, 1])
    around.finish('done')
    await around.clock.advance(0)
    expect(given.outcome).toBe('done')
  })
})

describe('any order', () => {
  it('has its time from when it was given, not from the try that wrote it down', async () => {
    const around = new Surroundings()
    around.transaction = async (work) => {
      await work()
      around.rows.length = 0
      await pause(around.clock, 4_000, new AbortController().signal)
      return work()
    }
    around.order('pause')
    await around.clock.advance(0)
    await around.clock.advance(4_000)
    expect(around.rows.map(({ deadlineSeconds }) => deadlineSeconds)).toEqual([11])
  })

  it('is not written down any more when its time is over', async () => {
    const around = new Surroundings()
    const { transaction, letGo } = held()
    around.transaction = transaction
    const given = around.order('pause')
    await around.clock.advance(15_000)
    letGo()
    await around.clock.advance(0)
    expect([given.outcome, around.rows]).toEqual([expect.objectContaining({ code: 'COMMAND_EXPIRED' }), []])
  })

  it('but an emergency is told as unavailable when it cannot be written down', async () => {
    const around = new Surroundings()
    around.transaction = gone
    const given = around.order('cancel')
    await around.clock.advance(0)
    expect([given.outcome, around.told]).toEqual([expect.objectContaining({ code: 'UNAVAILABLE' }), 0])
  })
})
