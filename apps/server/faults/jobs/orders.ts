import { GantryError } from '../../src/kernel/index.js'
import { eventually } from '../eventually.js'
import type { SeededRandom } from '../random.js'
import type { TrialDatabase } from './open-jobs.js'
import { trialJob, type Way } from './trial-job.js'

const PER_TRANSACTION = 10
const FAILS_ONCE = 0.1
const SLOW = 0.1
const SLOW_MS = [800, 1_500] as const
const QUICK_MS = [20, 150] as const

const definition = trialJob(0)

/** Orders jobs as the server does, in transactions; one whose answer was lost is looked for before it is made again. */
export class Orders {
  /** Numbered from 0. */
  placed = 0

  constructor(
    private readonly database: TrialDatabase,
    private readonly draws: SeededRandom,
    /** To be ordered in all. */
    readonly jobs: number,
  ) {}

  /** Places this share of all orders, and what is left of them with the last. */
  async share(part: number, parts: number): Promise<void> {
    await this.upTo(part === parts ? this.jobs : Math.round((this.jobs / parts) * part))
  }

  async rest(): Promise<void> {
    await this.upTo(this.jobs)
  }

  /** One job that goes about it in a special way. */
  async special(way: Way): Promise<void> {
    await this.place([{ n: this.placed, way, ms: 0 }])
    this.placed += 1
  }

  private async upTo(count: number): Promise<void> {
    while (this.placed < count) {
      const length = Math.min(PER_TRANSACTION, count - this.placed)
      await this.place(Array.from({ length }, (_, index) => this.draw(this.placed + index)))
      this.placed += length
    }
  }

  private draw(n: number): { n: number; way: Way; ms: number } {
    const way = this.draws.chance(FAILS_ONCE) ? 'fails-once' : 'plain'
    const [least, most] = this.draws.chance(SLOW) ? SLOW_MS : QUICK_MS
    return { n, way, ms: this.draws.whole(least, most) }
  }

  private async place(payloads: readonly { n: number; way: Way; ms: number }[]): Promise<void> {
    const order = () =>
      this.database.unitOfWork.run(async (tx) => {
        const open = new Set(await tx.book.notOrdered(payloads.map(({ n }) => n)))
        for (const payload of payloads) {
          if (open.has(payload.n)) await tx.book.ordered(payload.n, tx.jobs.add(definition, payload))
        }
        return true
      })
    await eventually('an order is taken', () => order().catch(refusal), { everyMs: 100 })
  }
}

/** While the database is away. */
const refusal = (error: unknown): false => {
  if (error instanceof GantryError && error.code === 'UNAVAILABLE') return false
  throw error
}
