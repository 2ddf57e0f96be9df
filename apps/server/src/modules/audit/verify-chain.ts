import type { AuditRepository, Chain, Mark, SealedEntry } from './audit.ports.js'
import { hashOf, type Seals } from './seals.js'

/**
 * `changed`: the entry is not what was sealed, nor is one that was put in its place. `missing`: it is gone. `forged`: the
 * hashes are right, and the server did not write them. `behind_end`: entries behind the last that the server wrote.
 * `cut_off`: the end is missing. `end_forged`, `beginning_forged`: where the chain ends or begins was not written by the
 * server. `not_anchored`: it is not the chain of which the anchor was taken. `unknown_key`: it is under a key that
 * is not known here and for which the end does not vouch either.
 */
export type BreakKind =
  | 'changed'
  | 'missing'
  | 'forged'
  | 'behind_end'
  | 'cut_off'
  | 'end_forged'
  | 'beginning_forged'
  | 'not_anchored'
  | 'unknown_key'

export interface Anchor {
  seq: number
  hash: string
}

export interface Verdict {
  /** How many were found right. */
  entries: number
  /** Where the chain begins: what was removed for its age ends here. */
  base: Anchor
  head: Anchor
  /** Keys other than the current one, with the first and last entry under them. */
  otherKeys: { keyId: string; first: number; last: number }[]
  /** The first that is wrong; null when all is right. */
  broken: { seq: number; kind: BreakKind } | null
}

export interface VerifyChainOptions {
  audit: Pick<AuditRepository, 'chain' | 'page'>
  seals: Seals
  /** What was noted of an earlier state, somewhere else. */
  anchor?: Anchor | null
  /** Takes entries and an end under keys that are not known here for right. @default false */
  anyKey?: boolean
  /** Entries read at once. @default 1000 */
  pageSize?: number
}

/** Reads the whole chain from its beginning and finds the first entry that is not as it was sealed. */
export const verifyChain = async (options: VerifyChainOptions): Promise<Verdict> => {
  const chain = await options.audit.chain()
  const verdict = await new Walk(options, chain).verdict()
  // Old entries may have been removed while it was read: then it began too early.
  if (verdict.broken?.kind !== 'missing') return verdict
  const now = await options.audit.chain()
  return now.base.seq > chain.base.seq ? verifyChain(options) : verdict
}

class Walk {
  private last: Anchor
  private entries = 0
  private readonly others = new Map<string, { first: number; last: number }>()

  constructor(
    private readonly options: VerifyChainOptions,
    private readonly chain: Chain,
  ) {
    this.last = placeOf(chain.base)
  }

  async verdict(): Promise<Verdict> {
    const broken = this.judgeMarks() ?? (await this.walk()) ?? this.judgeEnd()
    const { base, head } = this.chain
    const otherKeys = [...this.others].map(([keyId, range]) => ({ keyId, ...range }))
    return { entries: this.entries, base: placeOf(base), head: placeOf(head), otherKeys, broken }
  }

  private judgeMarks(): Verdict['broken'] {
    const { seals, anchor = null } = this.options
    const { base, head } = this.chain
    if (seals.judge('base', base) === 'wrong') return { seq: base.seq, kind: 'beginning_forged' }
    if (seals.judge('head', head) === 'wrong') return { seq: head.seq, kind: 'end_forged' }
    if (anchor !== null && head.seq < anchor.seq) return { seq: head.seq + 1, kind: 'cut_off' }
    return this.judgeAnchor(this.last)
  }

  private async walk(): Promise<Verdict['broken']> {
    const { audit, pageSize = 1_000 } = this.options
    for (let count = pageSize; count === pageSize;) {
      const page = await audit.page(this.last.seq, pageSize)
      for (const entry of page) {
        // What is sealed meanwhile belongs to the next time.
        if (this.last.seq === this.chain.head.seq) return this.judgeBehind(entry)
        const kind = this.judge(entry)
        if (kind !== null) return { seq: this.last.seq + 1, kind }
        this.last = placeOf(entry)
        this.entries += 1
        const broken = this.judgeAnchor(this.last)
        if (broken !== null) return broken
      }
      count = page.length
    }
    return null
  }

  private judge(entry: SealedEntry): BreakKind | null {
    if (entry.seq !== this.last.seq + 1) return 'missing'
    if (entry.hash !== hashOf(entry, this.last.hash)) return 'changed'
    const { seals } = this.options
    const judgement = seals.judge('entry', entry)
    if (judgement === 'wrong') return 'forged'
    if (judgement === 'unknown' && !this.isVouchedFor(entry)) return 'unknown_key'
    if (entry.keyId !== seals.keyId) this.noteOther(entry)
    return null
  }

  /** By the end, if that is right; of one that is not, the end itself is what is wrong. */
  private isVouchedFor({ keyId }: Mark): boolean {
    const { seals, anyKey = false } = this.options
    const { head } = this.chain
    return anyKey || head.earlierKeys?.includes(keyId) === true || seals.judge('head', head) === 'unknown'
  }

  private noteOther({ keyId, seq }: Mark): void {
    const known = this.others.get(keyId)
    if (known === undefined) this.others.set(keyId, { first: seq, last: seq })
    else known.last = seq
  }

  private judgeAnchor({ seq, hash }: Anchor): Verdict['broken'] {
    const { anchor = null } = this.options
    return anchor?.seq === seq && anchor.hash !== hash ? { seq, kind: 'not_anchored' } : null
  }

  /** An entry behind the end is right when the end has moved there. */
  private async judgeBehind({ seq }: SealedEntry): Promise<Verdict['broken']> {
    const now = await this.options.audit.chain()
    return now.head.seq > this.chain.head.seq ? this.judgeEnd() : { seq, kind: 'behind_end' }
  }

  private judgeEnd(): Verdict['broken'] {
    const { head } = this.chain
    if (this.last.seq < head.seq) return { seq: this.last.seq + 1, kind: 'cut_off' }
    if (this.last.hash !== head.hash) return { seq: head.seq, kind: 'end_forged' }
    const { seals, anyKey = false } = this.options
    return !anyKey && seals.judge('head', head) === 'unknown' ? { seq: head.seq, kind: 'unknown_key' } : null
  }
}

const placeOf = ({ seq, hash }: Anchor): Anchor => ({ seq, hash })
