const A = 65
const N = 78
const Z = 90

/** One parsed command: `G1 X10 F3000` is letter G, code 1. Words of Klipper's kind (`SET_X A=1`) have letter `''`. */
export interface GcodeCommand {
  readonly letter: string
  readonly code: number
  /** The command as written, upper case, such as `G28` or `TURN_OFF_HEATERS`. */
  readonly name: string
  /** Numeric parameters by upper case letter; a bare letter (`G28 X`) is 0. */
  readonly params: ReadonlyMap<string, number>
  /** Everything after the command, without the comment. */
  readonly rest: string
}

const NO_PARAMS: ReadonlyMap<string, number> = new Map()
const WITH_TEXT = new Set(['M117', 'M118', 'M23', 'M28', 'M30'])

/** Parses one line; null when it holds no command. Checksums and line numbers (`N1 … *42`) are dropped. */
export function parseGcode(line: string): GcodeCommand | null {
  const semicolon = line.indexOf(';')
  let text = (semicolon < 0 ? line : line.slice(0, semicolon)).trim()
  if (text === '') return null
  if ((text.charCodeAt(0) & ~32) === N) text = text.replace(/^[Nn]\d+\s*(.*?)(?:\*\d+)?$/, '$1')
  const end = commandEnd(text)
  const name = text.slice(0, end).toUpperCase()
  const rest = text.slice(end).trim()
  const code = isClassic(text) ? Number(name.slice(1)) : Number.NaN
  if (Number.isNaN(code)) return { letter: '', code: -1, name, params: NO_PARAMS, rest }
  const params = rest === '' || WITH_TEXT.has(name) ? NO_PARAMS : parseParams(rest)
  return { letter: name.charAt(0), code, name, params, rest }
}

/** G, M or T with a digit. Runs for every line of every print: no regular expressions here. */
function isClassic(text: string): boolean {
  const letter = text.charCodeAt(0) & ~32
  const digit = text.charCodeAt(1)
  return (letter === 71 || letter === 77 || letter === 84) && digit >= 48 && digit <= 57
}

/** Where the command word ends: `G1X10` is G1, `SET_PIN PIN=a` is SET_PIN. */
function commandEnd(text: string): number {
  if (isClassic(text)) {
    let end = 1
    while (end < text.length && isNumeric(text.charCodeAt(end))) end++
    return end
  }
  const space = text.search(/\s/)
  return space < 0 ? text.length : space
}

function parseParams(text: string): Map<string, number> {
  const params = new Map<string, number>()
  let index = 0
  while (index < text.length) {
    const char = text.charCodeAt(index) & ~32
    index++
    if (char < A || char > Z) continue
    while (index < text.length && text.charCodeAt(index) === 32) index++
    const from = index
    while (index < text.length && isNumeric(text.charCodeAt(index))) index++
    const value = from === index ? 0 : Number(text.slice(from, index))
    params.set(String.fromCharCode(char), Number.isFinite(value) ? value : 0)
  }
  return params
}

/** Digits, sign and point. */
function isNumeric(char: number): boolean {
  return (char >= 48 && char <= 57) || char === 45 || char === 46 || char === 43
}

/** `KEY=value` pairs of a Klipper command, keys in upper case. */
export function keyValues(rest: string): ReadonlyMap<string, string> {
  const pairs = new Map<string, string>()
  for (const match of rest.matchAll(/([A-Za-z_]\w*)=("[^"]*"|\S+)/g)) {
    pairs.set((match[1] ?? '').toUpperCase(), (match[2] ?? '').replaceAll('"', ''))
  }
  return pairs
}
