import type { Cell } from './exports.ports.js'

/** What a spreadsheet would take for a formula, or strip off to find one. */
const FORMULA = /^[=+\-@\t\r]/
/** What needs quotes (RFC 4180); spaces at the ends have them so that no reader trims them. */
const QUOTED = /[",\r\n]|^\s|\s$/

const textOf = (cell: Cell): string => {
  if (cell === null) return ''
  if (cell instanceof Date) return cell.toISOString()
  // Numbers stay numbers: a minus before digits computes nothing.
  if (typeof cell === 'number' || typeof cell === 'boolean') return String(cell)
  const text = typeof cell === 'string' ? cell : JSON.stringify(cell)
  return FORMULA.test(text) ? `'${text}` : text
}

const written = (cell: Cell): string => {
  const text = textOf(cell)
  return QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** One line of CSV with its end. */
export const csvLine = (cells: readonly Cell[]): string => `${cells.map(written).join(',')}\r\n`
