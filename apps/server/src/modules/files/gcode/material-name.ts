import { cleanText } from './values.js'

/** Spellings of one plastic under the name that most slicers use. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['PET-G', 'PETG'],
  ['NYLON', 'PA'],
  ['POLYAMIDE', 'PA'],
  ['POLYCARBONATE', 'PC'],
  ['POLYPROPYLENE', 'PP'],
  ['TOUGH-PLA', 'PLA-TOUGH'],
])

const MAX_CHARACTERS = 40
const KNOWN = ['PETG', 'PLA', 'ABS', 'ASA', 'TPU', 'PVA', 'HIPS', 'CPE', 'PC', 'PP', 'PA', 'NYLON', 'PET'] as const

/** The kind of plastic in upper case with dashes (`pa cf` is `PA-CF`); null for nothing and for "unknown". */
export function normaliseMaterial(text: string | null): string | null {
  const name = cleanText(text)
    ?.toUpperCase()
    .replace(/[\s_-]+/g, '-')
    .slice(0, MAX_CHARACTERS)
  if (name === undefined || name === '' || name === 'UNKNOWN' || name === 'NONE') return null
  return SYNONYMS.get(name) ?? name
}

/** The plastic in an identifier such as `generic_petg_175`, or null if none is known. */
export function materialInIdentifier(identifier: string): string | null {
  const parts = identifier.toUpperCase().split(/[^A-Z]+/)
  return normaliseMaterial(KNOWN.find((known) => parts.includes(known)) ?? null)
}
