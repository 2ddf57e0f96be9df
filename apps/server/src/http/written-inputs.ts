import type { Exchange } from './exchange.js'

/** No text that JSON could be: a call without an input. */
const NONE = ''

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/**
 * The input of each call of a GET request, as text: equal texts are equal inputs.
 * @returns null when they cannot be told apart; tRPC then says what is wrong
 */
export const writtenInputs = ({ query }: Exchange, procedures: readonly string[]): string[] | null => {
  const written = query.get('input')
  if (written === '') return null
  if (query.get('batch') !== '1') return [written ?? NONE]
  if (written === null) return procedures.map(() => NONE)
  const inputs = parsed(written)
  if (!isRecord(inputs)) return null
  return procedures.map((_procedure, n) => (Object.hasOwn(inputs, n) ? JSON.stringify(inputs[n]) : NONE))
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
