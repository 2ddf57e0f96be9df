import type { PrinterStatus } from '@gantry/client'

const BAR_CELLS = 28
const REDRAW_MS = 100
const ESC = '\u001b['

/** What is shown of one printer. */
export interface PrinterRow {
  name: string
  kind: string
  status: PrinterStatus | null
}

export interface JobRow {
  copies: number
  done: number
  active: number
}

/** Where the demo tells how it goes. */
export interface Screen {
  step(text: string): void
  printers(rows: readonly PrinterRow[], job: JobRow): void
  /** Leaves what was drawn last. */
  end(): void
}

const COLOURS: Partial<Record<PrinterStatus['state'], number>> = {
  printing: 32,
  finished: 36,
  offline: 90,
  error: 31,
  paused: 33,
}

const bar = (progress: number): string => {
  const filled = Math.round(progress * BAR_CELLS)
  return '█'.repeat(filled) + '░'.repeat(BAR_CELLS - filled)
}

const shownProgress = ({ status }: PrinterRow): number =>
  status?.state === 'finished' ? 1 : (status?.print?.progress ?? 0)

const nozzle = ({ status }: PrinterRow): string => {
  const heater = status?.heaters.find(({ kind }) => kind === 'tool')
  return heater?.actualCelsius == null ? '' : `${heater.actualCelsius.toFixed(0).padStart(3)} °C`
}

const doing = ({ status }: PrinterRow): string => {
  if (status === null) return 'connecting'
  return status.state === 'printing' && status.print === null ? 'handover' : status.state
}

const line = (row: PrinterRow): string => {
  const progress = shownProgress(row)
  const state = doing(row).padEnd(10)
  const percent = `${Math.floor(progress * 100)} %`.padStart(5)
  const colour = COLOURS[row.status?.state ?? 'offline'] ?? 39
  return `  ${row.name.padEnd(12)} ${ESC}${colour}m${bar(progress)} ${state}${ESC}0m ${percent}  ${nozzle(row)}`
}

const jobLine = ({ copies, done, active }: JobRow): string =>
  `  ${String(done).padStart(2)} of ${copies} copies printed, ${active} in work`

/** Bars that are redrawn in place. */
class TerminalScreen implements Screen {
  private drawnLines = 0
  private drawnAt = 0

  constructor(private readonly out: NodeJS.WriteStream) {}

  step(text: string): void {
    this.end()
    this.out.write(`${ESC}1m▸${ESC}0m ${text}\n`)
  }

  printers(rows: readonly PrinterRow[], job: JobRow): void {
    const isOver = job.done === job.copies
    if (!isOver && Date.now() - this.drawnAt < REDRAW_MS) return
    this.drawnAt = Date.now()
    const lines = [...rows.map(line), '', jobLine(job)]
    const up = this.drawnLines === 0 ? '' : `${ESC}${this.drawnLines}A`
    this.out.write(up + lines.map((text) => `${ESC}2K${text}\n`).join(''))
    this.drawnLines = lines.length
  }

  end(): void {
    this.drawnLines = 0
  }
}

/** One line per thing that happened, for logs and pipes. */
class PlainScreen implements Screen {
  private readonly told = new Map<string, string>()
  private doneTold = -1

  constructor(private readonly out: NodeJS.WriteStream) {}

  step(text: string): void {
    this.out.write(`- ${text}\n`)
  }

  printers(rows: readonly PrinterRow[], job: JobRow): void {
    for (const row of rows) {
      // On its way to the host, or just ended: nothing to tell yet.
      if (row.status?.state === 'printing' && row.status.print === null) continue
      const quarter = Math.floor(shownProgress(row) * 4) * 25
      const text = row.status?.state === 'printing' ? `printing, ${quarter} %` : doing(row)
      if (this.told.get(row.name) === text) continue
      this.told.set(row.name, text)
      this.out.write(`  ${row.name}: ${text}\n`)
    }
    if (job.done === this.doneTold) return
    this.doneTold = job.done
    this.out.write(`${jobLine(job)}\n`)
  }

  end(): void {
    // Lines that are written stay as they are.
  }
}

export const createScreen = (out: NodeJS.WriteStream): Screen =>
  out.isTTY ? new TerminalScreen(out) : new PlainScreen(out)
