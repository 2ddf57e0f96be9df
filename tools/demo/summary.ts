import type { Attempt } from '@gantry/client'

interface Row {
  printer: string
  copies: string
  time: string
  filament: string
}

const HEAD: Row = { printer: 'printer', copies: 'copies', time: 'print time', filament: 'filament' }

const duration = (seconds: number): string => {
  const minutes = Math.round(seconds / 60)
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`
}

const filament = (mm: number, grams: number): string => `${(mm / 1_000).toFixed(2)} m, ${grams.toFixed(1)} g`

const rowOf = (printer: string, attempts: readonly Attempt[]): Row => {
  const sum = (value: (attempt: Attempt) => number | null) =>
    attempts.reduce((total, attempt) => total + (value(attempt) ?? 0), 0)
  return {
    printer,
    copies: String(attempts.length),
    time: duration(sum(({ printSeconds }) => printSeconds)),
    filament: filament(
      sum(({ filamentUsedMm }) => filamentUsedMm),
      sum(({ filamentUsedGrams }) => filamentUsedGrams),
    ),
  }
}

/** The table at the end: what each printer did, and all of them together. Times are the printers' own. */
export const summaryTable = (attempts: readonly Attempt[], names: ReadonlyMap<string, string>): string => {
  const printed = attempts.filter(({ state }) => state === 'completed')
  const byPrinter = [...names].map(([printerId, name]) =>
    rowOf(
      name,
      printed.filter((attempt) => attempt.printerId === printerId),
    ),
  )
  const total = rowOf('all', printed)
  const rows = [HEAD, ...byPrinter, total]
  const width = (key: keyof Row) => Math.max(...rows.map((row) => row[key].length))
  const format = (row: Row) =>
    `  ${row.printer.padEnd(width('printer'))}  ${row.copies.padStart(width('copies'))}  ${row.time.padStart(width('time'))}  ${row.filament.padStart(width('filament'))}`
  const rule = `  ${'─'.repeat(format(HEAD).length - 2)}`
  return [format(HEAD), rule, ...byPrinter.map(format), rule, format(total)].join('\n')
}
