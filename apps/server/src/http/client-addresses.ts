import { isIP } from 'node:net'
import type { IncomingMessage } from 'node:http'

import proxyaddr from '@fastify/proxy-addr'

import { plainAddress } from '../kernel/plain-address.js'

/** More proxies than anybody has one behind the other. */
const MOST_PROXIES = 10

/** What the setting calls them, and the library. */
const NAMES: Readonly<Record<string, string>> = { private: 'uniquelocal' }

/**
 * Whom a request comes from: the peer of its connection; when that is a trusted proxy, the right-most address of
 * `X-Forwarded-For` that is none. Nothing else that proxies say is believed.
 */
export class ClientAddresses {
  private readonly isProxy: ((address: string, hop: number) => boolean) | null

  /** @param trustedProxies addresses, networks in CIDR notation, `loopback` or `private` */
  constructor(trustedProxies: readonly string[]) {
    if (trustedProxies.length === 0) {
      this.isProxy = null
      return
    }
    const trusts = proxyaddr.compile(trustedProxies.map((each) => NAMES[each] ?? each))
    // The library also reads what no proxy writes, such as 0x7f.1.
    this.isProxy = (address, hop) => hop < MOST_PROXIES && isIP(address) !== 0 && trusts(address, hop)
  }

  /** Whether a connection from there is one of a trusted proxy. */
  trusts(address: string): boolean {
    return this.isProxy?.(address, 0) === true
  }

  of(req: IncomingMessage): string {
    const peer = req.socket.remoteAddress
    if (peer === undefined) return 'unknown'
    if (this.isProxy !== null && req.headers['x-forwarded-for'] !== undefined) {
      const client = proxyaddr(req, this.isProxy)
      if (isIP(client) !== 0) return plainAddress(client)
    }
    return plainAddress(peer)
  }
}
