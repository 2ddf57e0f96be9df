import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'

import { plainAddress } from '../kernel/plain-address.js'
import { NetError } from './net-error.js'

/** Where outbound connections may go. */
export interface AddressPolicy {
  /** Networks in CIDR notation. @default {@link PRIVATE_CIDRS} */
  allowedCidrs?: readonly string[]
  /** Addresses of this machine itself, whichever of its networks they are in; for development and tests. @default false */
  allowLoopback?: boolean
  /** What this machine is called in its networks. @default what the system says, at most {@link KNOWN_MS} old */
  ownAddresses?: () => ReadonlySet<string>
  /** Every address of the public internet, beside the networks that are named. @default false */
  allowPublic?: boolean
}

/** The private networks of RFC 1918 and RFC 4193. */
export const PRIVATE_CIDRS: readonly string[] = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7']

const LOOPBACK_CIDRS = ['127.0.0.0/8', '::1/128']

/**
 * Refused whatever is allowed: unspecified, link-local (the metadata address 169.254.169.254 among them), the metadata
 * addresses of clouds outside it, multicast, broadcast, and the IPv6 forms that carry an IPv4 address to a translator.
 */
const FORBIDDEN_CIDRS = [
  '0.0.0.0/8',
  '169.254.0.0/16',
  '100.100.100.200/32',
  '168.63.129.16/32',
  '192.0.0.192/32',
  '224.0.0.0/4',
  '255.255.255.255/32',
  '::/128',
  'fe80::/10',
  'fec0::/10',
  'fd00:ec2::/32',
  'fd00:42::42/128',
  'fd20:ce::254/128',
  'ff00::/8',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '2002::/16',
]

/** The registries' special-purpose blocks: not of the public internet, though not forbidden to who names them. */
const SPECIAL_CIDRS = [
  ...PRIVATE_CIDRS,
  '100.64.0.0/10',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '240.0.0.0/4',
  '2001::/23',
  '2001:db8::/32',
  '3fff::/20',
]

/** All that the public internet has of IPv4, and the one block of IPv6 that it has so far. */
const PUBLIC_CIDRS = ['0.0.0.0/0', '2000::/3']

const familyOf = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4')

const blockListOf = (cidrs: readonly string[]): BlockList => {
  const list = new BlockList()
  for (const cidr of cidrs) {
    const [network = '', prefix = ''] = cidr.split('/')
    const bits = familyOf(network) === 'ipv6' ? 128 : 32
    if (isIP(network) === 0 || !/^\d{1,3}$/.test(prefix) || Number(prefix) > bits) {
      throw new RangeError(`not a network in CIDR notation: ${cidr}`)
    }
    list.addSubnet(network, Number(prefix), familyOf(network))
  }
  return list
}

const KNOWN_MS = 10_000

/** Interfaces come and go; to ask for them at each connection would cost more than the rest of the check. */
const addressesOfThisMachine = (): (() => ReadonlySet<string>) => {
  let known: { addresses: ReadonlySet<string>; atMs: number } | null = null
  return () => {
    const nowMs = performance.now()
    if (known === null || nowMs - known.atMs > KNOWN_MS) {
      const addresses = Object.values(networkInterfaces()).flatMap((all = []) => all.map(({ address }) => address))
      known = { addresses: new Set(addresses), atMs: nowMs }
    }
    return known.addresses
  }
}

export interface AddressGuard {
  /** @throws NetError `address_refused` */
  check(address: string): void
}

/** @throws RangeError for a CIDR that is none */
export const createAddressGuard = (policy: AddressPolicy): AddressGuard => {
  const allowed = blockListOf(policy.allowedCidrs ?? PRIVATE_CIDRS)
  const loopback = blockListOf(LOOPBACK_CIDRS)
  const forbidden = blockListOf(FORBIDDEN_CIDRS)
  const special = blockListOf(SPECIAL_CIDRS)
  const published = blockListOf(policy.allowPublic === true ? PUBLIC_CIDRS : [])
  const ownAddresses = policy.ownAddresses ?? addressesOfThisMachine()
  const permits = (address: string): boolean => {
    const family = familyOf(address)
    // Here are our own database, Redis and API, which trust whoever reaches them from here.
    if (loopback.check(address, family)) return policy.allowLoopback === true
    if (ownAddresses().has(address) && policy.allowLoopback !== true) return false
    if (forbidden.check(address, family)) return false
    return allowed.check(address, family) || (published.check(address, family) && !special.check(address, family))
  }
  return {
    check(address) {
      const plain = address.split('%')[0] ?? ''
      if (isIP(plain) === 0 || !permits(plainAddress(plain))) {
        throw new NetError('address_refused', `the address ${address} is not one that Gantry may connect to`)
      }
    },
  }
}
