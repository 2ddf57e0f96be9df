import { plainAddress } from './plain-address.js'

const GROUPS = 8
/** What one customer has of IPv6; whoever has it has 2^64 addresses. */
const NETWORK_GROUPS = 4

/**
 * Whom an address stands for: an IPv4 address for itself, also where it is written as IPv6 (`::ffff:192.0.2.1`); an IPv6
 * address for its /64. Anything else stands for itself.
 */
export const networkOf = (address: string): string => {
  const text = plainAddress(address.toLowerCase())
  if (!text.includes(':')) return text
  const [head = [], tail = []] = text.split('::').map((part) => (part === '' ? [] : part.split(':')))
  const zeros = text.includes('::') ? Math.max(0, GROUPS - head.length - tail.length) : 0
  const groups = [...head, ...Array.from({ length: zeros }, () => '0'), ...tail]
  const network = groups.slice(0, NETWORK_GROUPS).map((group) => group.replace(/^0+(?=.)/, ''))
  return `${network.join(':')}::/64`
}
