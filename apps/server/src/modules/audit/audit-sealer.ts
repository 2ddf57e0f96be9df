import { SweepLoop } from '../../kernel/sweep-loop.js'
import { GantryError, type Logger, type Primary, type UnitOfWork } from '../../kernel/index.js'
import type { AuditRepository, Chain, Draft, Mark, Redact, SealedEntry } from './audit.ports.js'
import { Drafting } from './drafts.js'
import { assertOurs, isUnder } from './end-of-chain.js'
import { hashOf, type Seals } from './seals.js'

interface Repositories {
  audit: AuditRepository
}

export interface AuditSealerDeps {
  unitOfWork: UnitOfWork<Repositories>
  reads: Primary<Repositories>
  seals: Seals
  redact: Redact
  log: Logger
}

const EVERY_MS = 1_000
/** In one go of the sealer. */
const TRANSACTIONS = 100
const GOES = 50

/**
 * Makes entries of what was changed and joins them to the chain, in the order in which their transactions began and only
 * when nothing can come before them any more. One at a time does so, whichever holds the chain; no change waits for it.
 */
export class AuditSealer {
  private readonly loop: SweepLoop
  private readonly drafting: Drafting
  /** The end of the chain as this process saw it last. */
  private seen: Mark | null = null
  /** The key under which that was. */
  private keyId: string | null = null

  constructor(private readonly deps: AuditSealerDeps) {
    this.drafting = new Drafting(deps.redact)
    this.loop = new SweepLoop({
      look: async () => {
        await this.sealAll()
        return EVERY_MS
      },
      everyMs: EVERY_MS,
      onTrouble: (err) => deps.log.error({ err }, 'the audit log is not sealed'),
    })
  }

  start(): void {
    this.loop.poke()
  }

  stop(): Promise<void> {
    return this.loop.stop()
  }

  /** Seals what is there. @throws GantryError `INTERNAL` when the chain is not as the server left it */
  async sealAll(): Promise<void> {
    const { seals, reads, unitOfWork } = this.deps
    for (let go = 0; go < GOES && (this.keyId !== seals.keyId || (await reads.audit.hasPending())); go += 1) {
      const { keyId } = seals
      const head = await unitOfWork.run((tx) => this.sealSome(tx.audit))
      if (head === null) return
      this.seen = head
      this.keyId = keyId
    }
  }

  /** @returns the end of the chain; null when somebody else holds it */
  private async sealSome(audit: AuditRepository): Promise<Mark | null> {
    const chain = await audit.lockChain(false)
    if (chain === null) return null
    await this.assertUntouched(audit, chain)
    const { seals } = this.deps
    const pending = await audit.pending(TRANSACTIONS)
    if (pending.length === 0 && isUnder(seals, chain.head)) return chain.head
    const drafts = this.drafting.draftsOf(pending)
    const names = await audit.namesOf(drafts.flatMap(({ actorId }) => actorId ?? []))
    const entries = this.joined(chain.head, drafts, names)
    const head = seals.sealEnd(chain.head, entries.at(-1) ?? chain.head)
    await audit.seal(entries, head, [...new Set(pending.map(({ txid }) => txid))])
    return head
  }

  private joined({ seq, hash }: Mark, drafts: readonly Draft[], names: ReadonlyMap<string, string>): SealedEntry[] {
    let last = { seq, hash }
    return drafts.map((draft) => {
      const actorName = draft.actorName ?? (draft.actorId === null ? null : (names.get(draft.actorId) ?? null))
      const facts = { ...draft, actorName, seq: last.seq + 1 }
      last = { seq: facts.seq, hash: hashOf(facts, last.hash) }
      return { ...facts, ...this.deps.seals.seal('entry', last.seq, last.hash) }
    })
  }

  /** Neither forged, nor put back, nor one that was made elsewhere with the same key. */
  private async assertUntouched(audit: AuditRepository, chain: Chain): Promise<void> {
    assertOurs(this.deps.seals, chain)
    const { seen } = this
    if (seen === null || (await this.contains(audit, chain, seen))) return
    throw new GantryError('INTERNAL', {
      detail: `the audit log to ${chain.head.seq} does not hold what the server wrote at ${seen.seq}`,
    })
  }

  private async contains(audit: AuditRepository, { base, head }: Chain, { seq, hash }: Mark): Promise<boolean> {
    if (head.seq <= seq) return head.seq === seq && head.hash === hash
    // Somebody else went on; what was removed for its age is behind us both.
    if (base.seq >= seq) return base.seq > seq || base.hash === hash
    const [entry] = await audit.page(seq - 1, 1)
    return entry?.seq === seq && entry.hash === hash
  }
}
