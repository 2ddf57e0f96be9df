import { SYSTEM_ACTOR, type EventBus, type UnitOfWork } from '../../kernel/index.js'
import { AttemptLedger } from '../../modules/print-jobs/attempt-ledger.js'
import { PrintJobsService, type PrintJobsServiceDeps } from '../../modules/print-jobs/print-jobs.service.js'
import type { SimulatedHost } from './host.js'
import type { Judge } from './judge.js'
import type { SimulatedRepositories } from './repositories.js'
import { readsBy, type SimulatedStore } from './store.js'
import { printerSubject } from './tables.js'
import type { World } from './world.js'

const ROUND_EVERY_MS = 12_000
/** Whoever says what became of a copy has waited longer than anything can be under way, and has looked. */
const UNKNOWN_FOR_MS = 120_000

/** Those who clear beds, decide what nobody knows, cancel, and print for themselves. They see the machines. */
export class People {
  private readonly unknownSince = new Map<string, number>()
  private readonly service: PrintJobsService
  private readonly ledger: AttemptLedger

  constructor(
    private readonly world: World,
    private readonly store: SimulatedStore,
    private readonly hosts: ReadonlyMap<string, SimulatedHost>,
    private readonly judge: Judge,
    private readonly bus: EventBus,
  ) {
    const unitOfWork = {
      run: store.transact.bind(store),
      once: () => Promise.reject(new Error('no person orders anything here')),
      recall: () => Promise.resolve(null),
    } as unknown as UnitOfWork<SimulatedRepositories>
    const reads = { printJobs: { get: () => Promise.resolve({}) } } as unknown as PrintJobsServiceDeps['reads']
    this.service = new PrintJobsService({ unitOfWork, reads, bus } as unknown as PrintJobsServiceDeps)
    this.ledger = new AttemptLedger(unitOfWork, readsBy(unitOfWork))
  }

  /** Somebody walks through the room again and again. */
  begin(): void {
    this.world.at(this.world.nowMs + ROUND_EVERY_MS, () => {
      void this.world.turn('a person comes round').then(async () => {
        for (const host of this.hosts.values()) await this.lookAt(host)
        this.begin()
      })
    })
  }

  async wish(kind: 'cancelJob' | 'releaseJob' | 'reassign', jobId: string): Promise<void> {
    this.world.tell(`a person asks: ${kind} ${jobId}`)
    if (kind === 'cancelJob') await this.service.cancel(SYSTEM_ACTOR, jobId)
    else if (kind === 'releaseJob') await this.release(jobId)
    else await this.reassign(jobId)
  }

  /** What was held is to be printed again. */
  private async release(jobId: string): Promise<void> {
    const { tables } = this.store
    for (const { number, state } of tables.copiesOf(jobId))
      if (state === 'held' && tables.activeOf(jobId, number).length === 0) this.judge.allowOneMore(jobId, number)
    await this.service.release(SYSTEM_ACTOR, jobId)
  }

  /** A copy in hand is to be printed on any other printer: what it began to print is given up for that. */
  private async reassign(jobId: string): Promise<void> {
    const [attempt] = this.store.tables.activeOf(jobId)
    if (attempt === undefined || attempt.cancelRequested || this.hosts.size < 2) return
    this.judge.allowOneMore(jobId, attempt.copyNumber, attempt)
    await this.ledger.reassign(attempt.id, null, 'person')
    this.bus.wake('printer.command')
  }

  /** A print of their own, on a printer that Gantry has not in hand; longer than any order of Gantry's may be late. */
  printForeign(host: SimulatedHost, name: string): void {
    const isFree = this.store.tables.activeOn(host.id) === undefined && !host.isPrinting && !host.isAway
    if (!isFree) return
    host.bedOccupied = false
    host.start(name, 'person')
  }

  private async lookAt(host: SimulatedHost): Promise<void> {
    if (host.isPrinting) return
    const active = this.store.tables.activeOn(host.id)
    if (active === undefined) return this.tidy(host)
    if (active.state !== 'unknown') {
      this.unknownSince.delete(active.id)
      return
    }
    const sinceMs = this.unknownSince.get(active.id) ?? this.world.nowMs
    this.unknownSince.set(active.id, sinceMs)
    if (this.world.nowMs - sinceMs < UNKNOWN_FOR_MS) return
    const printed = this.judge.startOf(active)?.outcome === 'completed'
    this.world.tell(`a person says that ${active.remoteName} was ${printed ? '' : 'not '}printed`)
    if (!printed) this.judge.allowOneMore(active.jobId, active.copyNumber)
    await this.ledger.resolve(active.id, printed, 'person')
  }

  private async tidy(host: SimulatedHost): Promise<void> {
    const { tables } = this.store
    host.bedOccupied = false
    const isHeld = [...tables.holds.values()].some(({ subject }) => subject === printerSubject(host.id))
    if (!isHeld && tables.printers.get(host.id)?.bed === 'clear') return
    this.world.tell(`a person clears ${host.id}`)
    await this.store.transact(async (tx) => {
      await tx.beds.clear(host.id, 'person', tx.now)
      await tx.holds.release({ printerId: host.id }, 'all', 'person', tx.now)
      const payload = { printerId: host.id, bed: 'clear' as const }
      tx.record({ type: 'printer.bed_changed', subjectType: 'printer', subjectId: host.id, payload }, 'person')
    })
  }
}
