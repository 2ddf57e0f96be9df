import { createHash } from 'node:crypto'
import { FaultError, type ArmedFault, type CallKind, type FaultName, type FaultPlan } from './fault.types.js'

const MAX_ARMED = 100
/** Which calls a fault without `calls` meets; `print` is no call but the begin of a print in the machine. */
type Occasion = CallKind | 'print'
const OCCASIONS: Readonly<Partial<Record<FaultName, Occasion>>> = {
  late_start: 'start',
  lying_start: 'start',
  late_upload: 'upload',
  cut_upload: 'upload',
  delete_race: 'delete',
  false_complete: 'print',
}

interface Entry {
  readonly id: string
  readonly plan: FaultPlan
  struck: number
  /** How often each occasion was drawn for. */
  readonly draws: Map<Occasion, number>
}

/** What is armed at one printer, in order, and how often each struck. */
export class FaultBook {
  readonly #entries: Entry[] = []
  #lastNumber = 0

  /** @param seed decides together with the order of calls alone which of them are struck */
  constructor(private readonly seed: string) {}

  /** True when nothing can strike. */
  get idle(): boolean {
    return this.#entries.every(isSpent)
  }

  /** @throws FaultError when too many are armed */
  add(plan: FaultPlan): ArmedFault {
    if (this.#entries.length >= MAX_ARMED) this.#forgetOneSpent()
    const entry: Entry = { id: `f${++this.#lastNumber}`, plan, struck: 0, draws: new Map() }
    this.#entries.push(entry)
    return shown(entry)
  }

  list(): readonly ArmedFault[] {
    return this.#entries.map(shown)
  }

  clear(): number {
    return this.#entries.splice(0).length
  }

  /** The faults that strike here, one after the other; each is drawn for when it is taken, and not before. */
  *striking(occasion: Occasion): Generator<FaultPlan> {
    for (const entry of [...this.#entries]) {
      if (!meets(entry.plan, occasion) || isSpent(entry) || !this.#draw(entry, occasion)) continue
      entry.struck++
      yield entry.plan
    }
  }

  /**
   * Each fault has a row of draws of its own for each kind of call, so that neither other faults nor the number of reads
   * between two starts change which starts are struck.
   */
  #draw({ id, plan, draws }: Entry, occasion: Occasion): boolean {
    if (plan.probability === 1) return true
    const number = (draws.get(occasion) ?? 0) + 1
    draws.set(occasion, number)
    const digest = createHash('sha256').update(`${this.seed}:${id}:${occasion}:${number}`).digest()
    return digest.readUInt32BE(0) / 2 ** 32 < plan.probability
  }

  #forgetOneSpent(): void {
    const spent = this.#entries.findIndex(isSpent)
    if (spent < 0) throw new FaultError(null, `${MAX_ARMED} faults are armed already; disarm them first`)
    this.#entries.splice(spent, 1)
  }
}

function meets(plan: FaultPlan, occasion: Occasion): boolean {
  if ('calls' in plan) return plan.calls === occasion || (plan.calls === 'all' && occasion !== 'print')
  return OCCASIONS[plan.fault] === occasion
}

function isSpent({ plan: { times }, struck }: Entry): boolean {
  return times !== null && struck >= times
}

function shown({ id, plan, struck }: Entry): ArmedFault {
  return { id, ...plan, struck, left: plan.times === null ? null : plan.times - struck }
}
