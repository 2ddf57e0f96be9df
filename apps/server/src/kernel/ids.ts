import { randomBytes } from 'node:crypto'

import { ID_PREFIXES, type IdKind } from '@gantry/schemas'

/** RFC 9562 version 7: 48 bits of milliseconds, then randomness, so that ids sort by the time they were made. */
const uuidV7 = (nowMs: number): string => {
  const bytes = randomBytes(16)
  bytes.writeUIntBE(nowMs, 0, 6)
  bytes[6] = (bytes.readUInt8(6) & 0x0f) | 0x70
  bytes[8] = (bytes.readUInt8(8) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

export const newId = (kind: IdKind): string => `${ID_PREFIXES[kind]}_${uuidV7(Date.now())}`
