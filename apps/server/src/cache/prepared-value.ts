export type ValueKind = 'json' | 'text' | 'bytes'

/** A value in both its forms: as callers get it, and as bytes. */
export interface PreparedValue {
  value: unknown
  kind: ValueKind
  payload: Buffer
}

const isHolder = (value: unknown): value is object => typeof value === 'object' && value !== null

/** What JSON has made has no members but its own. Arrays are walked by index, which takes a third of the time. */
const freezeAll = (value: object): void => {
  if (Array.isArray(value)) {
    for (let n = 0; n < value.length; n += 1) {
      const member: unknown = value[n]
      if (isHolder(member)) freezeAll(member)
    }
  } else {
    const members = value as Record<string, unknown>
    for (const name in members) {
      const member = members[name]
      if (isHolder(member)) freezeAll(member)
    }
  }
  Object.freeze(value)
}

const frozen = <T>(value: T): T => {
  if (isHolder(value)) freezeAll(value)
  return value
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
