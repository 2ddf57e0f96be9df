import { invalidField } from '../../kernel/errors.js'

const MAX_LENGTH = 255

/** Control characters, and those that turn the direction of text and so hide an ending. */
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu

/**
 * A name as display text: the last part of a path, without control characters.
 * @throws GantryError `VALIDATION_FAILED` for `name` when nothing is left, or too much
 */
export const displayName = (raw: string | null | undefined): string => {
  const name = (raw ?? '').split(/[/\\]/).at(-1)?.replaceAll(UNPRINTABLE, '').trim().normalize('NFC') ?? ''
  if (name === '' || name === '.' || name === '..') throw invalidField('name', 'must be given')
  if (name.length > MAX_LENGTH) throw invalidField('name', `must have at most ${MAX_LENGTH} characters`)
  return name
}

const decoded = (text: string): string | null => {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

/** The file name of a `Content-Disposition` header (RFC 6266), if it has one. */
export const nameInDisposition = (header: string | undefined): string | null => {
  if (header === undefined) return null
  const extended = /;\s*filename\*\s*=\s*utf-8''([^;\s]+)/i.exec(header)?.[1]
  if (extended !== undefined) return decoded(extended)
  const quoted = /;\s*filename\s*=\s*"((?:[^"\\]|\\.)*)"/i.exec(header)?.[1]
  if (quoted !== undefined) return Buffer.from(quoted.replaceAll(/\\(.)/g, '$1'), 'latin1').toString('utf8')
  return /;\s*filename\s*=\s*([^;\s]+)/i.exec(header)?.[1] ?? null
}

/** `attachment` with the name in both spellings of RFC 6266, neither of which can leave its place. */
export const attachment = (name: string): string => {
  const ascii = name.replaceAll(/[^\x20-\x7e]|["\\%;]/g, '_')
  const extended = encodeURIComponent(name).replaceAll(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16)}`)
  return `attachment; filename="${ascii}"; filename*=UTF-8''${extended}`
}
