import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

import { isGantryApiError, type GantryClient, type PrinterStatus, type PrintJob } from '@gantry/client'
import type { Fleet, FleetPrinter } from '@gantry/virtual-printers'

import type { JobRow, PrinterRow, Screen } from './screen.js'

const TOKEN = new URL('../../apps/server/src/modules/files/fixtures/demo-token.gcode', import.meta.url)

/** How long a finished print lies on its bed before the demo's person takes it off, in milliseconds. */
const CLEAR_AFTER_MS = 400
const CLEAR_TRIES = 10

interface Registered {
  virtual: FleetPrinter
  row: PrinterRow
}

/** A farm of virtual printers as its operator sees it: everything here goes through the SDK. */
export class DemoFarm {
  private readonly printers = new Map<string, Registered>()
  private readonly clearing = new Set<string>()
  private job: JobRow = { copies: 0, done: 0, active: 0 }

  constructor(
    private readonly gantry: GantryClient,
    private readonly fleet: Fleet,
    private readonly screen: Screen,
    private readonly onFailure: (error: unknown) => void,
  ) {}

  get names(): ReadonlyMap<string, string> {
    return new Map([...this.printers].map(([id, { virtual }]) => [id, virtual.name]))
  }

  /** Registers every printer, says what is loaded, and looks at the beds once. */
  async register(): Promise<void> {
    for (const virtual of this.fleet.printers) {
      const { name, kind, url, apiKey } = virtual
      const buildVolume = { xMm: 250, yMm: 210, zMm: 210 }
      const { id } = await this.gantry.printers.create({
        name,
        kind,
        url,
        apiKey,
        model: 'MK3S',
        nozzleDiameterMm: 0.4,
        buildVolume,
      })
      await this.gantry.printers.setMaterials({ id, materials: [{ slot: 0, material: 'PLA', colorHex: '#FF8000' }] })
      await this.gantry.printers.clearBed({ id })
      this.printers.set(id, { virtual, row: { name, kind, status: null } })
    }
  }

  /** Uploads the file and orders the project. */
  async order(copies: number): Promise<PrintJob> {
    const file = await this.gantry.files.upload(await readFile(TOKEN), { name: 'demo-token.gcode' })
    const { estimatedPrintSeconds, filamentTotal } = file.latest.metadata
    const minutes = Math.round((estimatedPrintSeconds ?? 0) / 60)
    this.screen.step(
      `Uploaded ${file.name}: ${minutes} min and ${filamentTotal.weightGrams ?? '?'} g of PLA a copy, by its slicer`,
    )
    const project = await this.gantry.projects.create({
      name: 'Open day',
      parts: [{ name: 'Token', fileId: file.id, targetQuantity: copies }],
    })
    const partId = project.parts[0]?.id
    if (partId === undefined) throw new Error('the project has no part')
    return this.gantry.printJobs.submit({ source: { partId } })
  }

  /** Shows the farm live, and takes finished prints off their beds, until every copy of the job is done. */
  async watchUntilDone(job: PrintJob): Promise<PrintJob> {
    let stop: () => void = () => undefined
    try {
      return await new Promise<PrintJob>((resolve, reject) => {
        const stopPrinters = this.gantry.printers.onStatus({
          onData: (event) => {
            if (event.type === 'snapshot') event.printers.forEach((status) => this.saw(status))
            else if (event.type === 'changed') this.saw(event.printer)
          },
          onError: reject,
        })
        const stopJobs = this.gantry.printJobs.onChange({
          onData: (event) => {
            const jobs = event.type === 'snapshot' ? event.jobs : [event.job]
            const current = jobs.find(({ id }) => id === job.id)
            if (current === undefined) return
            this.job = { copies: current.copies, done: current.counts.done, active: current.counts.active }
            this.draw()
            if (current.state === 'done') resolve(current)
            if (current.state === 'held' || current.state === 'failed')
              reject(new Error(`The job is ${current.state}.`))
          },
          onError: reject,
        })
        stop = () => {
          stopPrinters()
          stopJobs()
        }
      })
    } finally {
      stop()
      this.screen.end()
    }
  }

  private saw(status: PrinterStatus): void {
    const printer = this.printers.get(status.printerId)
    if (printer === undefined) return
    printer.row.status = status
    this.draw()
    if (status.state !== 'finished' || this.clearing.has(status.printerId)) return
    this.clearing.add(status.printerId)
    setTimeout(() => {
      this.clearBed(status.printerId, printer.virtual).catch(this.onFailure)
    }, CLEAR_AFTER_MS)
  }

  /** What a person does: takes the print off, and says so, again if Gantry has not written down yet how it ended. */
  private async clearBed(printerId: string, { name, machine }: FleetPrinter): Promise<void> {
    // A look first: what was shown may be of before the last clearing.
    if (machine.busy || machine.bed === 'clear') {
      this.clearing.delete(printerId)
      return
    }
    this.fleet.clearBed(name)
    for (let tried = 1; ; tried += 1) {
      try {
        await this.gantry.printers.clearBed({ id: printerId })
        break
      } catch (error) {
        if (tried === CLEAR_TRIES || !isGantryApiError(error, 'INVALID_STATE')) throw error
        await sleep(CLEAR_AFTER_MS)
      }
    }
    this.clearing.delete(printerId)
  }

  private draw(): void {
    if (this.job.copies > 0)
      this.screen.printers(
        [...this.printers.values()].map(({ row }) => row),
        this.job,
      )
  }
}
