import { GantryError, networkOf, type Clock, type Counted, type SlidingCounts } from '../../kernel/index.js'
import { OwnCounts } from './own-counts.js'

const WINDOW_MS = 15 * 60_000
/**
 * Failures per window. An account may fail more often than one address may fail with it, so that a stranger cannot
 * lock somebody out from a single place.
 */
const MAX_OF_PAIR = 10
const MAX_OF_ADDRESS = 50
const MAX_OF_ACCOUNT = 100
/** Without the count of all, each process lets pass this share: several of them add up, and a restart forgets. */
const OWN_SHARE = 0.5

/**
 * Counts failed logins per account, address and pair of both, within the last 15 minutes; of IPv6 a /64 is one address.
 * All processes count together where they share the counts. Each counts by itself as well, and by stricter limits
 * decides alone while the shared counts are away.
 */
export class LoginLimiter {
  private readonly own: OwnCounts

  /** @param shared null: there are none */
  constructor(
    clock: Clock,
    private readonly shared: SlidingCounts | null = null,
  ) {
    this.own = new OwnCounts(clock, WINDOW_MS)
  }

  /**
   * Counts a try as failed until {@link succeeded} takes it back, so that many at once are not checked for nothing.
   * @throws GantryError `RATE_LIMITED`
   */
  async begin(email: string, address: string | null): Promise<void> {
    const counted = countedOf(email, address)
    const sharedWaitMs = this.shared === null ? null : await this.shared.take(counted, WINDOW_MS)
    const waitMs = sharedWaitMs ?? this.own.waitMs(counted.map(stricter))
    if (waitMs > 0) throw new GantryError('RATE_LIMITED', { retryAfterSeconds: Math.ceil(waitMs / 1_000) })
    this.own.add(counted.map(({ key }) => key))
  }

  /** The right password ends the count of the pair; the others only lose this try. */
  async succeeded(email: string, address: string | null): Promise<void> {
    const [pair, ...others] = countedOf(email, address)
    const keys = others.map(({ key }) => key)
    this.own.giveBack(pair.key, keys)
    await this.shared?.giveBack(pair.key, keys)
  }

  /** How many counts this process keeps. */
  get size(): number {
    return this.own.size
  }
}

const countedOf = (email: string, address: string | null): [Counted, ...Counted[]] => {
  const network = address === null ? '' : networkOf(address)
  return [
    { key: `pair ${network} ${email}`, limit: MAX_OF_PAIR },
    { key: `address ${network}`, limit: MAX_OF_ADDRESS },
    { key: `account ${email}`, limit: MAX_OF_ACCOUNT },
  ]
}

const stricter = ({ key, limit }: Counted): Counted => ({ key, limit: limit * OWN_SHARE })
