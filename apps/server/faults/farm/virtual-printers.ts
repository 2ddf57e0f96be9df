import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import type { ArmedFault, FaultOrder, FleetCounts } from '@gantry/virtual-printers'

import type { Stock } from './materials.js'
import { sourceArguments } from '../../processes/source-process.js'
import { ended, signalGroup, type Children } from './children.js'

const CLI = fileURLToPath(new URL('../../../../packages/virtual-printers/src/cli.ts', import.meta.url))
const START_MS = 60_000
const TRIES = 3

export interface VirtualPrinter {
  name: string
  kind: 'octoprint' | 'moonraker'
  url: string
  apiKey: string
}

/** One line of a machine's own book. */
export interface Start {
  printer: string
  name: string
  startedBy: 'host' | 'panel'
  startedAtMs: number
  endedAtMs: number | null
  outcome: 'done' | 'failed' | 'cancelled' | null
  bedWasOccupied: boolean
}

export interface MachineView {
  name: string
  online: boolean
  state: string
  bed: 'clear' | 'occupied'
  job: { name: string } | null
}

export interface FleetSize {
  octoprint: number
  moonraker: number
  /** Machine seconds per second. */
  speed: number
  stock: Stock
  seed: string
}

/** The virtual fleet in its process; every method but {@link stop} is what a person at the printers can do or see. */
export class VirtualPrinters {
  private constructor(
    private readonly child: ChildProcess,
    private readonly controlUrl: string,
    readonly printers: readonly VirtualPrinter[],
  ) {}

  static async start(
    children: Children,
    { octoprint, moonraker, speed, stock, seed }: FleetSize,
    { folder, logFile }: { folder: string; logFile: string },
  ): Promise<VirtualPrinters> {
    const size = ['--octoprint', `${octoprint}`, '--moonraker', `${moonraker}`]
    const more = ['--speed', `${speed}`, '--seed', seed, ...dealt(stock), '--data-dir', folder, '--json']
    const child = children.spawn([...sourceArguments(CLI), ...size, ...more], {
      logFile,
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      env: { PATH: process.env['PATH'] },
    })
    if (child.stdout === null) throw new Error('the fleet has no standard output')
    const lines = createInterface({ input: child.stdout })
    const [line] = (await once(lines, 'line', { signal: AbortSignal.timeout(START_MS) })) as [string]
    lines.on('line', () => undefined)
    const { controlUrl, printers } = JSON.parse(line) as { controlUrl: string; printers: VirtualPrinter[] }
    return new VirtualPrinters(child, controlUrl, printers)
  }

  /** Every start of the fleet, in order, by the machines' own books. */
  async starts(): Promise<Start[]> {
    return (await this.ask('GET', '/starts')) as Start[]
  }

  /** Arms a fault at one printer, or at each. */
  async arm(fault: FaultOrder, printer?: string): Promise<void> {
    await this.ask('POST', printer === undefined ? '/faults' : `/printers/${printer}/faults`, fault)
  }

  /** How often faults of this name have struck so far. */
  async struck(name: FaultOrder['fault']): Promise<number> {
    const armed = (await this.ask('GET', '/faults')) as ArmedFault[]
    return armed.filter(({ fault }) => fault === name).reduce((sum, { struck }) => sum + struck, 0)
  }

  async disarm(): Promise<void> {
    await this.ask('DELETE', '/faults')
  }

  async counts(): Promise<FleetCounts> {
    return (await this.ask('GET', '/counts')) as FleetCounts
  }

  async machines(): Promise<MachineView[]> {
    return (await this.ask('GET', '/printers')) as MachineView[]
  }

  async clearBed(name: string): Promise<void> {
    await this.act(name, 'clear-bed')
  }

  async act(name: string, action: string, body: object = {}): Promise<void> {
    await this.ask('POST', `/printers/${name}/${action}`, body)
  }

  async stop(): Promise<void> {
    signalGroup(this.child, 'SIGTERM')
    await ended(this.child)
  }

  /** The fleet is no subject of the faults: on a busy machine a connection may still be lost. */
  private async ask(method: string, path: string, body?: object): Promise<unknown> {
    for (let left = TRIES; ; left -= 1) {
      try {
        return await this.askOnce(method, path, body)
      } catch (error) {
        if (error instanceof FleetRefusal || left <= 1) throw error
        await sleep(200)
      }
    }
  }

  private async askOnce(method: string, path: string, body?: object): Promise<unknown> {
    const content = body === undefined ? {} : { body: JSON.stringify(body) }
    const signal = AbortSignal.timeout(20_000)
    const response = await fetch(`${this.controlUrl}${path}`, { method, ...content, signal })
    const text = await response.text()
    if (!response.ok) throw new FleetRefusal(`${method} ${path} was answered ${response.status}: ${text}`)
    return text === '' ? null : (JSON.parse(text) as unknown)
  }
}

/** What the machines are told of themselves; Gantry is told the same when they are registered. */
const dealt = ({ materials, nozzlesMm }: Stock): string[] => [
  ...['--material', materials.join(',')],
  ...['--nozzle', nozzlesMm.join(',')],
]

class FleetRefusal extends Error {}
