import { clearLine, cursorTo } from 'node:readline'
import type { Fleet, FleetPrinter } from '../fleet/fleet.js'
import type { FleetCounts } from '../fleet/fleet-counts.js'
import type { PrintJob } from '../machine/machine.types.js'
import { textTable } from './text-table.js'

/** Something that happened at a printer. */
interface FleetEvent {
  readonly time: Date
  readonly printer: string
  readonly event: 'started' | 'paused' | 'resumed' | 'done' | 'failed' | 'cancelled' | 'bed clear'
  readonly file: string | null
  readonly printTimeSeconds: number | null
}

/** Shows a fleet to whoever runs it. */
export interface Reporter {
  started(fleet: Fleet, controlUrl: string): void
  happened(event: FleetEvent): void
  /** Called once a second. */
  tick(fleet: Fleet): void
  ended(counts: FleetCounts): void
}

type Write = (text: string) => void

/** Calls `tell` for every start and end of a print and every cleared bed. */
export function watchFleet(printers: readonly FleetPrinter[], tell: (event: FleetEvent) => void): void {
  for (const { name, machine } of printers) {
    const report = (event: FleetEvent['event'], job: PrintJob | null): void =>
      tell({
        time: new Date(),
        printer: name,
        event,
        file: job?.name ?? null,
        printTimeSeconds: job?.printTimeSeconds ?? null,
      })
    machine.on('printStarted', (job) => report('started', job))
    machine.on('printPaused', (job) => report('paused', job))
    machine.on('printResumed', (job) => report('resumed', job))
    machine.on('printDone', (job) => report('done', job))
    machine.on('printFailed', (job) => report('failed', job))
    machine.on('printCancelled', (job) => report('cancelled', job))
    machine.on('bedChanged', (bed) => {
      if (bed === 'clear') report('bed clear', null)
    })
  }
}

/** One JSON object per line, for programs. */
export function jsonReporter(write: Write): Reporter {
  const line = (value: object): void => write(`${JSON.stringify(value)}\n`)
  return {
    started: (fleet, controlUrl) =>
      line({
        type: 'fleet',
        controlUrl,
        speed: fleet.speed,
        printers: fleet.printers.map(({ name, kind, url, apiKey, machine: { material, nozzleMm } }) => {
          return { name, kind, url, apiKey, material, nozzleMm }
        }),
      }),
    happened: (event) => line({ type: 'event', ...event }),
    tick: () => undefined,
    ended: (counts) => line({ type: 'counts', ...counts }),
  }
}

/** A table, then a line per event; on a terminal also a status line that stays at the bottom. */
export function textReporter(write: Write, terminal: NodeJS.WriteStream | null): Reporter {
  const wipe = (): void => {
    if (!terminal) return
    clearLine(terminal, 0)
    cursorTo(terminal, 0)
  }
  return {
    started(fleet, controlUrl) {
      const rows = fleet.printers.map(({ name, kind, url, apiKey }) => [name, kind, url, apiKey])
      write(`\n${textTable(['PRINTER', 'KIND', 'URL', 'API KEY'], rows)}\n\n`)
      write(`${fleet.printers.length} printers at ${fleet.speed}× speed, control API ${controlUrl}\n`)
      write('Ctrl-C ends it.\n\n')
    },
    happened(event) {
      wipe()
      write(`${eventLine(event)}\n`)
    },
    tick(fleet) {
      if (!terminal) return
      wipe()
      // A pseudo-terminal may say that it has no columns.
      write(statusLine(fleet).slice(0, (terminal.columns || 80) - 1))
    },
    ended(counts) {
      wipe()
      write(`\n${summary(counts)}\n`)
    },
  }
}

function eventLine({ time, printer, event, file, printTimeSeconds }: FleetEvent): string {
  const ended = event === 'done' || event === 'failed' || event === 'cancelled'
  const after = ended && printTimeSeconds !== null ? ` after ${duration(printTimeSeconds)}` : ''
  return `${time.toISOString().slice(11, 19)}  ${printer.padEnd(14)}  ${event}${file === null ? '' : ` ${file}`}${after}`
}

function statusLine({ printers, speed }: Fleet): string {
  const states = new Map<string, number>()
  let occupied = 0
  let progress = 0
  for (const { machine } of printers) {
    states.set(machine.state, (states.get(machine.state) ?? 0) + 1)
    if (machine.bed === 'occupied') occupied++
    progress += machine.job?.progress ?? 0
  }
  const busy = printers.filter(({ machine }) => machine.busy).length
  const parts = [...states].map(([state, count]) => `${count} ${state}`)
  if (busy > 0) parts.push(`${Math.round((progress / busy) * 100)} % done on average`)
  return [...parts, `${occupied} beds occupied`, `${speed}×`].join('  ·  ')
}

function summary({ total, namesStartedTwice }: FleetCounts): string {
  const rows: [string, string][] = [
    ['prints started', String(total.starts)],
    ['done', String(total.done)],
    ['failed', String(total.failed)],
    ['cancelled', String(total.cancelled)],
    ['filament used', `${(total.filamentUsedMm / 1000).toFixed(2)} m`],
    ['starts on an occupied bed', String(total.startsOnOccupiedBed)],
    ['second starts of one name', String(total.secondStarts)],
    ['names started more than once in the fleet', String(namesStartedTwice.length)],
    ['g-code while printing', String(total.gcodeWhilePrinting)],
    ['starts with another material or nozzle', String(total.mismatchedStarts)],
  ]
  return textTable(['COUNTED BY THE MACHINES', ''], rows)
}

function duration(seconds: number): string {
  const whole = Math.round(seconds)
  const minutes = Math.floor(whole / 60)
  return minutes === 0 ? `${whole} s` : `${minutes} min ${whole % 60} s`
}
