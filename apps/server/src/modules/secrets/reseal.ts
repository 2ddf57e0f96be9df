import type { RotatingSealer, SealedRow, SealedRows, SealedSpot } from './secrets.ports.js'

const PAGE = 200
/** A server that still seals with the key of before writes on while this runs. */
const MAX_PASSES = 3

/** What was found and done in one spot. */
export interface SpotReport {
  spot: string
  rows: number
  /** Under the current key when they were met. */
  current: number
  resealed: number
  /** Could be opened, and are not under the current key. */
  left: number
  /** Names of rows that no key opens. */
  lost: string[]
}

export interface ResealOptions {
  rows: SealedRows
  sealer: RotatingSealer
  /** False to look and change nothing. */
  write: boolean
  /** Told after each page. */
  onPage?: (spot: string, rows: number) => void
}

/**
 * Opens everything that is sealed, and seals anew what is not under the current key. Each row is changed by itself and
 * only if it is as it was read: it may be broken off, repeated, and run beside servers that write.
 */
export const reseal = async (options: ResealOptions): Promise<SpotReport[]> => {
  const reports: SpotReport[] = []
  for (const spot of options.rows.spots) reports.push(await resealSpot(options, spot))
  return reports
}

const resealSpot = async (options: ResealOptions, spot: SealedSpot): Promise<SpotReport> => {
  let resealed = 0
  for (let pass = 1; ; pass += 1) {
    const report = await onePass(options, spot)
    resealed += report.resealed
    if (report.left === 0 || !options.write || pass === MAX_PASSES) return { ...report, resealed }
  }
}

const onePass = async (options: ResealOptions, spot: SealedSpot): Promise<SpotReport> => {
  const report: SpotReport = { spot: spot.name, rows: 0, current: 0, resealed: 0, left: 0, lost: [] }
  let after = ''
  for (;;) {
    const page = await options.rows.page(spot, after, PAGE)
    for (const row of page) await resealRow(options, spot, row, report)
    const last = page.at(-1)
    if (last === undefined) return report
    after = last.key
    report.rows += page.length
    options.onPage?.(spot.name, report.rows)
  }
}

const resealRow = async (
  { rows, sealer, write }: ResealOptions,
  spot: SealedSpot,
  row: SealedRow,
  report: SpotReport,
): Promise<void> => {
  let plain: string
  try {
    plain = sealer.open(row.sealed, row.at)
  } catch {
    report.lost.push(row.key)
    return
  }
  if (sealer.isCurrent(row.sealed)) report.current += 1
  else if (write && (await rows.replace(spot, row, sealer.seal(plain, row.at)))) report.resealed += 1
  else report.left += 1
}
