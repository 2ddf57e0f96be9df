const IPV6 = /^[\da-f:.]+$/i

/**
 * The one way in which an address is written here: IPv4 that is written as IPv6 (`::ffff:192.0.2.1`) as IPv4, IPv6 short
 * and without a zone. Anything else is as it was.
 */
export const plainAddress = (address: string): string => {
  if (!address.includes(':')) return address
  const [text = ''] = address.split('%', 1)
  const url = `http://[${text}]/`
  if (!IPV6.test(text) || !URL.canParse(url)) return address
  const canonical = new URL(url).hostname.slice(1, -1)
  const hex = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical)
  if (hex === null) return canonical
  const [high, low] = [parseInt(hex[1] ?? '', 16), parseInt(hex[2] ?? '', 16)]
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}
