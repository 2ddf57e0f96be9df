import { createHmac, timingSafeEqual } from 'node:crypto'

import { GantryError, type Clock, type KeysNow } from '../../kernel/index.js'

const VALID_SECONDS = 15 * 60

export interface LinkParts {
  exportId: string
  /** Whom it was given. */
  userId: string
  /** Seconds since 1970, as they stand in the link. */
  expires: string
  signature: string
}

/** Links to exports that work without a login, for one export, in the name of one user, and for a short time. */
export class DownloadLinks {
  constructor(
    private readonly keys: KeysNow,
    private readonly clock: Clock,
  ) {}

  pathTo(exportId: string, userId: string): string {
    const expires = String(Math.floor(this.clock.now() / 1_000) + VALID_SECONDS)
    const signature = sign(this.keys()[0], { exportId, userId, expires }).toString('base64url')
    const query = new URLSearchParams({ user: userId, expires, signature })
    return `/api/exports/${exportId}/download?${query.toString()}`
  }

  /**
   * Says of a link only whether it is ours: nothing is looked up for one that is not.
   * @throws GantryError `LINK_REFUSED`, `LINK_EXPIRED`
   */
  check(link: LinkParts): void {
    const { expires, signature } = link
    const given = Buffer.from(signature, 'base64url')
    const isOurs = this.keys().some((key) => isSame(given, sign(key, link)))
    if (!isOurs) throw new GantryError('LINK_REFUSED')
    if (Number(expires) * 1_000 <= this.clock.now()) throw new GantryError('LINK_EXPIRED')
  }
}

const sign = (key: Uint8Array, { exportId, userId, expires }: Omit<LinkParts, 'signature'>): Buffer =>
  createHmac('sha256', key).update(`export ${exportId}\n${userId}\n${expires}`).digest()

const isSame = (given: Buffer, expected: Buffer): boolean =>
  given.length === expected.length && timingSafeEqual(given, expected)
