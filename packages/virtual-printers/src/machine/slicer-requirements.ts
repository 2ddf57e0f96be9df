import type { GcodeSource } from './gcode-source.js'
import type { Mismatch } from './machine.types.js'

/** Slicers write what they know into the first and the last part of a file; nothing else is read. */
const READ_BYTES = 128 * 1024
/** Nozzles are made in steps of 0.05 mm and more. */
const SAME_NOZZLE_MM = 0.01

/** What a file asks for; null where it does not say. */
export interface Requirements {
  readonly material: string | null
  readonly nozzleMm: number | null
}

/** Reads what the slicer wrote about a file; tools that differ are not known, as only some of them may be used. */
export function readRequirements(source: GcodeSource): Requirements {
  const comments = commentsOf(source)
  const material = only(comments, /^;\s*(?:filament_type|Filament type|Material type|Material)\s*[=:]\s*(\S[^\r\n]*)/m)
  const nozzle = Number(
    only(comments, /^;\s*(?:nozzle_diameter|Nozzle diameter)\s*[=:]\s*([\d.][^\r\n]*)/m) ?? Number.NaN,
  )
  return { material, nozzleMm: Number.isFinite(nozzle) && nozzle > 0 ? nozzle : null }
}

/** null when they fit, and where one of both does not say. */
export function mismatchOf(machine: Requirements, file: Requirements): Mismatch | null {
  const material = differs(machine.material, file.material, (has, needs) => plain(has) !== plain(needs))
  const nozzleMm = differs(machine.nozzleMm, file.nozzleMm, (has, needs) => Math.abs(has - needs) > SAME_NOZZLE_MM)
  return material || nozzleMm ? { material, nozzleMm } : null
}

function differs<T>(
  has: T | null,
  needs: T | null,
  isOther: (has: T, needs: T) => boolean,
): { readonly has: T; readonly needs: T } | null {
  return has !== null && needs !== null && isOther(has, needs) ? { has, needs } : null
}

/** `pet-g` and `PETG` are one material. */
function plain(material: string): string {
  return material.toUpperCase().replace(/[\s_-]+/g, '')
}

/** The value of a list such as `PLA;PLA` or `0.4,0.4`; null for none, or for several. */
function only(text: string, pattern: RegExp): string | null {
  const listed = pattern.exec(text)?.[1] ?? ''
  const values = new Set(listed.split(/[;,]/).map((value) => value.replaceAll('"', '').trim()))
  const [value = ''] = values
  return values.size === 1 && value !== '' ? value : null
}

function commentsOf(source: GcodeSource): string {
  const head = textAt(source, 0, Math.min(source.sizeBytes, READ_BYTES))
  const tailFrom = Math.max(head.length, source.sizeBytes - READ_BYTES)
  return `${head}\n${textAt(source, tailFrom, source.sizeBytes - tailFrom)}`
}

function textAt(source: GcodeSource, position: number, bytes: number): string {
  const buffer = Buffer.alloc(bytes)
  return buffer.toString('latin1', 0, source.readAt(position, buffer))
}
