import { lookup as systemLookup, type LookupAddress } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { promisify } from 'node:util'

import type { AddressGuard } from './address-policy.js'
import { NetError } from './net-error.js'

export type LookupAll = (hostname: string) => Promise<LookupAddress[]>

/**
 * The system's resolver, since only that one knows the hosts file and mDNS names such as `octopi.local`. It runs on
 * the process's four shared threads, so two names at a time: a name server that hangs must not take file I/O with it.
 */
const LOOKUPS_AT_ONCE = 2

const systemLookupAll: LookupAll = (hostname) => promisify(systemLookup)(hostname, { all: true })

export interface Resolver {
  /** For `lookup` of sockets: hands out addresses only after every one of them was checked. */
  readonly lookup: LookupFunction
  /** Checks a host that is written as an address, for which sockets never ask a resolver. @throws NetError */
  checkLiteral(hostname: string): void
  /** Ends all waiting; the system's own lookups cannot be stopped. */
  close(): void
}

const limited = (lookupAll: LookupAll): LookupAll => {
  const waiting: (() => void)[] = []
  const underWay = new Map<string, Promise<LookupAddress[]>>()
  let running = 0
  const run = async (hostname: string) => {
    if (running >= LOOKUPS_AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve))
    else running++
    try {
      return await lookupAll(hostname)
    } finally {
      underWay.delete(hostname)
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
  return (hostname) => {
    const known = underWay.get(hostname)
    if (known !== undefined) return known
    const started = run(hostname)
    underWay.set(hostname, started)
    return started
  }
}

export const createResolver = (guard: AddressGuard, lookupAll: LookupAll = systemLookupAll): Resolver => {
  const limitedLookup = limited(lookupAll)
  const giveUp = new Set<(error: NetError) => void>()

  const waitFor = (hostname: string): Promise<LookupAddress[]> =>
    new Promise((resolve, reject) => {
      giveUp.add(reject)
      const fail = (cause: unknown) =>
        reject(new NetError('unreachable', `the name ${hostname} cannot be resolved`, { cause }))
      void limitedLookup(hostname)
        .then(resolve, fail)
        .finally(() => giveUp.delete(reject))
    })

  const resolve = async (hostname: string): Promise<LookupAddress[]> => {
    const addresses = await waitFor(hostname)
    if (addresses.length === 0) throw new NetError('unreachable', `the name ${hostname} has no address`)
    for (const { address } of addresses) guard.check(address)
    return addresses
  }

  return {
    lookup: (hostname, options, callback) => {
      resolve(hostname).then(
        (addresses) => {
          const first = addresses[0]
          if (options.all === true) callback(null, addresses)
          else callback(null, first?.address ?? '', first?.family)
        },
        (error: unknown) => callback(error as NodeJS.ErrnoException, []),
      )
    },
    checkLiteral: (hostname) => {
      const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname
      if (isIP(bare) !== 0) guard.check(bare)
    },
    close() {
      for (const reject of giveUp) reject(new NetError('aborted', 'the connector is closed'))
      giveUp.clear()
    },
  }
}
