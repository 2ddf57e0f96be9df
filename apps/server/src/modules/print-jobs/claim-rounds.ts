import type { Logger, Primary, UnitOfWork } from '../../kernel/index.js'
import type { ServedPrinter } from '../printers/fleet.js'
import type { PrinterRecord } from '../printers/printers.ports.js'
import { kindsThatFit } from './claim-plan.js'
import { claimMany, type ClaimRepositories, type KnownKinds } from './claims.js'
import type { PrinterFacts } from './fit.js'
import type { PrintJobRepository } from './print-jobs.ports.js'

export interface ClaimRoundsDeps {
  unitOfWork: UnitOfWork<ClaimRepositories>
  reads: Primary<{ printJobs: Pick<PrintJobRepository, 'waitingKinds'> }>
  /** Printers that could take a copy as far as this instance knows, asked again before each round. */
  free: () => ServedPrinter[]
  /** Called for each printer whose copy was claimed, when all claims are made: their uploads would only delay those. */
  onClaimed: (printerId: string) => void
  /** Loads the row of a printer again. */
  refresh: (printerId: string) => Promise<void>
  log: Logger
}

/** Enough that five hundred printers take ten transactions, few enough that none holds its jobs for long. */
const PRINTERS_PER_CLAIM = 50
/** How often a printer is tried that others, or whose jobs others, had in hand. */
const TRIES = 5

/** Claims for all printers that are free, many at a time, until nothing more is to be had. */
export class ClaimRounds {
  /** Printers in a claim that failed are tried alone, so that a fault with one of them stays with it. */
  private readonly suspects = new Set<string>()

  constructor(private readonly deps: ClaimRoundsDeps) {}

  /** @returns whether some were in other hands to the last: worth another look soon */
  async run(): Promise<boolean> {
    const { length } = this.deps.free()
    if (length === 0) return false
    // Read once for all claims; what comes in later asks for a round of its own.
    const known: KnownKinds = { kinds: null }
    if (length > PRINTERS_PER_CLAIM) known.kinds = await this.deps.reads.printJobs.waitingKinds()
    const fits = fitterOf(known)
    const tries = new Map<string, number>()
    const changed = new Set<string>()
    const claimed: string[] = []
    for (let batch = this.next(tries, fits); batch.length > 0; batch = this.next(tries, fits)) {
      const kindOf = await this.claim(batch, known)
      for (const [printerId, kind] of kindOf) {
        tries.set(printerId, kind === 'contended' ? (tries.get(printerId) ?? 0) + 1 : Infinity)
        if (kind === 'claimed') claimed.push(printerId)
        if (kind === 'claimed' || kind === 'not_free') changed.add(printerId)
      }
    }
    for (const printerId of claimed) this.deps.onClaimed(printerId)
    await Promise.all([...changed].map((printerId) => this.deps.refresh(printerId)))
    return [...tries.values()].includes(TRIES)
  }

  private next(tries: Map<string, number>, fits: (record: PrinterRecord) => boolean): ServedPrinter[] {
    const free = this.deps.free().filter(({ record }) => (tries.get(record.id) ?? 0) < TRIES && fits(record))
    const [first] = free
    if (first !== undefined && this.suspects.has(first.record.id)) return [first]
    return free.filter(({ record }) => !this.suspects.has(record.id)).slice(0, PRINTERS_PER_CLAIM)
  }

  private async claim(batch: ServedPrinter[], known: KnownKinds): Promise<Map<string, string>> {
    const ids = batch.map(({ record }) => record.id)
    try {
      const results = await claimMany(
        this.deps.unitOfWork,
        batch.map(({ supervisor }) => supervisor.lease),
        known,
      )
      for (const id of ids) this.suspects.delete(id)
      return new Map([...results].map(([printerId, { kind }]) => [printerId, kind]))
    } catch (error) {
      this.deps.log.error({ err: error, printerIds: ids }, 'a claim failed; the next sweep tries again')
      for (const id of ids) this.suspects.add(id)
      return new Map(ids.map((id) => [id, 'failed']))
    }
  }
}

/** Whether anything that waits would fit a printer, compared once for all that are alike; unknown, it may. */
const fitterOf = (known: KnownKinds): ((record: PrinterRecord) => boolean) => {
  const answers = new Map<string, boolean>()
  return (record) => {
    if (known.kinds === null) return true
    const facts = factsOf(record)
    const key = JSON.stringify(facts)
    const fits = answers.get(key) ?? kindsThatFit([{ printerId: record.id, facts }], known.kinds).length > 0
    answers.set(key, fits)
    return fits
  }
}

const factsOf = (record: PrinterRecord): PrinterFacts => {
  const { model, groupId, nozzleDiameterMm, buildVolume, materials, fileFormats } = record
  return { model, groupId, nozzleDiameterMm, buildVolume, materials, fileFormats }
}
