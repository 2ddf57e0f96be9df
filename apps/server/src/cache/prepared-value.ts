export type ValueKind = 'json' | 'text' | 'bytes'

/** A value in both its forms: as callers get it, and as bytes. */
export interface PreparedValue {
  value: unknown
  kind: ValueKind
  payload: Buffer
}

/** What JSON has made has no members but its own. */
const frozen = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null) return value
  for (const name in value) {
    const member = value[name]
    if (typeof member === 'object' && member !== null) frozen(member)
  }
  return Object.freeze(value)
}

/**
 * JSON values take the way through their text at once, so that the first answer is the same as every later one, and
 * nobody holds on to what is kept.
 * @returns null for `undefined`, which is not kept
 * @throws TypeError for what JSON cannot hold
 */
export const prepare = (value: unknown): PreparedValue | null => {
  if (value === undefined) return null
  if (typeof value === 'string') return { value, kind: 'text', payload: Buffer.from(value) }
  if (value instanceof Uint8Array) {
    const payload = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    return { value: payload, kind: 'bytes', payload }
  }
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined) throw new TypeError('only JSON values and bytes can be kept')
  return { value: frozen(JSON.parse(text)), kind: 'json', payload: Buffer.from(text) }
}

/** @throws SyntaxError when the payload is no JSON though it should be */
export const valueOf = (kind: ValueKind, payload: Buffer): unknown => {
  switch (kind) {
    case 'json':
      return frozen(JSON.parse(payload.toString()))
    case 'text':
      return payload.toString()
    case 'bytes':
      // A copy: the payload is part of whatever came with it over the network.
      return Buffer.from(payload)
  }
}
