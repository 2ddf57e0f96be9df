import type { PrintOutcome } from '../../modules/printers/printer-driver.port.js'
import type { SimulatedHost, Start } from './host.js'
import type { SimulatedStore } from './store.js'
import { brokenConstraint, copyKey, isActive, type AttemptRow, type Tables } from './tables.js'

/** A rule of printing safely was broken. */
export class Violation extends Error {
  override readonly name = 'Violation'
}

const FINAL = new Set(['done', 'failed', 'cancelled', 'held'])

/** Compares what the machines did with what the database says, after every step and at the end. */
export class Judge {
  /** Starts of a copy that a person asked for beyond the first, by copy. */
  private readonly allowed = new Map<string, number>()
  private judged: { tables: Tables | null; starts: number } = { tables: null, starts: 0 }
  private failure: Violation | null = null

  constructor(
    private readonly store: () => SimulatedStore,
    private readonly hosts: ReadonlyMap<string, SimulatedHost>,
  ) {}

  /**
   * A person decided that this copy is to be printed once more.
   * @param instead what is given up for it, and may still begin
   */
  allowOneMore(jobId: string, copyNumber: number, instead: AttemptRow | null = null): void {
    const key = copyKey(jobId, copyNumber)
    const begun = [...this.tables.attempts.values()].filter(
      (row) => copyKey(row.jobId, row.copyNumber) === key && row.id !== instead?.id && this.startOf(row) !== null,
    )
    this.allowed.set(key, begun.length + (instead === null ? 1 : 2))
  }

  /** Something that no fault explains: ends the run at the next look. */
  report(what: string): void {
    this.failure ??= new Violation(what)
  }

  startOf({ printerId, remoteName }: Pick<AttemptRow, 'printerId' | 'remoteName'>): Start | null {
    return this.hosts.get(printerId)?.starts.find(({ name }) => name === remoteName) ?? null
  }

  look(): void {
    if (this.failure !== null) throw this.failure
    const { tables } = this
    const starts = [...this.hosts.values()].reduce((sum, host) => sum + host.starts.length, 0)
    if (tables === this.judged.tables && starts === this.judged.starts) return
    this.judgeSteps(this.judged.tables, tables)
    this.judged = { tables, starts }
    this.judgeStarts()
    this.judgeRows()
    this.judgeBeds()
  }

  /** Whether every copy has come to an end, and nothing is under way. */
  isQuiet(): boolean {
    const { attempts, copies } = this.tables
    return (
      [...copies.values()].every(({ state }) => FINAL.has(state)) &&
      ![...attempts.values()].some(({ state }) => isActive(state))
    )
  }

  /** When all faults are over and everybody has done what is theirs to do. */
  judgeEnd(): void {
    const { attempts, copies, alarms, holds } = this.tables
    const open = [...copies.values()].filter(({ state }) => !FINAL.has(state))
    this.expect(open.length === 0, `copies that never end: ${JSON.stringify(open)}`)
    const active = [...attempts.values()].filter(({ state }) => isActive(state))
    this.expect(active.length === 0, `attempts that never end: ${active.map(sayAttempt).join(', ')}`)
    const left = [...alarms.values()].filter(({ code }) => code === 'ATTEMPT_UNKNOWN' || code === 'PRINTER_LOST')
    this.expect(left.length === 0, `alarms about attempts that have ended: ${JSON.stringify(left)}`)
    const doubts = [...holds.values()].filter(({ reason }) =>
      ['PRINTER_LOST', 'ATTEMPT_UNKNOWN', 'OUTCOME_UNKNOWN', 'START_NOT_CONFIRMED'].includes(reason.code),
    )
    this.expect(doubts.length === 0, `holds about attempts that have ended: ${JSON.stringify(doubts)}`)
    for (const { jobId, number, state } of copies.values()) {
      const printed = [...attempts.values()].some(
        (row) => row.jobId === jobId && row.copyNumber === number && this.outcomeOf(row) === 'completed',
      )
      this.expect(state !== 'done' || printed, `copy ${number} of ${jobId} is done, but no machine completed it`)
    }
  }

  private get tables(): Tables {
    return this.store().tables
  }

  private outcomeOf(row: AttemptRow): PrintOutcome | null {
    return this.startOf(row)?.outcome ?? null
  }

  /** Who drives a printer alone moves its attempts; a process that was frozen or cut off writes nothing. */
  private judgeSteps(before: Tables | null, after: Tables): void {
    const { committedBy } = this.store()
    if (before === null || committedBy === null || before.attempts === after.attempts) return
    for (const row of after.attempts.values()) {
      if (row.state === before.attempts.get(row.id)?.state) continue
      const owner = after.printers.get(row.printerId)?.leaseOwner
      this.expect(owner === committedBy, `${committedBy} moves ${sayAttempt(row)}, which ${owner ?? 'nobody'} drives`)
    }
  }

  private judgeStarts(): void {
    const byCopy = new Map<string, AttemptRow[]>()
    for (const row of this.tables.attempts.values()) {
      if (this.startOf(row) === null) continue
      const key = copyKey(row.jobId, row.copyNumber)
      byCopy.set(key, [...(byCopy.get(key) ?? []), row])
      this.expect(row.state !== 'revoked', `${row.remoteName} was given back, and started`)
    }
    for (const [key, begun] of byCopy) {
      const running = begun.filter((row) => this.outcomeOf(row) === null)
      this.expect(running.length <= 1, `printed by two machines at once: ${begun.map(sayAttempt).join(', ')}`)
      const may = this.allowed.get(key) ?? 1
      this.expect(
        begun.length <= may,
        `started ${begun.length} times, allowed ${may}: ${begun.map(sayAttempt).join(', ')}`,
      )
    }
    for (const host of this.hosts.values()) {
      const names = new Set<string>()
      for (const start of host.starts) {
        if (start.startedBy !== 'gantry') continue
        this.expect(!start.bedWasOccupied, `${start.name} was started on the occupied bed of ${host.id}`)
        this.expect(!names.has(start.name), `${start.name} was started twice`)
        names.add(start.name)
      }
    }
  }

  private judgeRows(): void {
    const { tables } = this
    const broken = brokenConstraint(tables)
    this.expect(broken === null, `broken: ${broken ?? ''}`)
    for (const { id, counts } of tables.jobs.values()) {
      for (const [state, count] of Object.entries(counts)) {
        const really = tables.copiesOf(id).filter((copy) => copy.state === state).length
        this.expect(really === count, `${id} counts ${count} ${state} copies and has ${really}`)
      }
    }
    for (const { jobId, number, state } of tables.copies.values()) {
      const active = tables.activeOf(jobId, number)
      const fits = state === 'active' ? active.length === 1 : state === 'held' || active.length === 0
      this.expect(fits, `copy ${number} of ${jobId} is ${state}, with ${active.map(sayAttempt).join(', ')}`)
    }
  }

  /** A bed on which Gantry's last print lies is not called clear. */
  private judgeBeds(): void {
    for (const host of this.hosts.values()) {
      const isOurs = host.starts.at(-1)?.startedBy === 'gantry'
      const bed = this.tables.printers.get(host.id)?.bed
      this.expect(!isOurs || !host.bedOccupied || bed === 'occupied', `the bed of ${host.id} is called clear`)
    }
  }

  private expect(holds: boolean, otherwise: string): void {
    if (!holds) throw new Violation(otherwise)
  }
}

const sayAttempt = ({ remoteName, printerId, state }: AttemptRow): string => `${remoteName} on ${printerId} (${state})`
