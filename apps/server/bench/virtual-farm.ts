import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { once } from 'node:events'

import { endProcess } from '../processes/source-process.js'
import type { ServerReading } from './server-probe.js'
import { ask, sourceArguments } from './server-process.js'

export interface VirtualPrinter {
  name: string
  kind: 'octoprint' | 'moonraker'
  url: string
  apiKey: string
}

export interface VirtualFarm {
  printers: VirtualPrinter[]
  /** Starts a print at the printer itself, of real length. */
  print(name: string, gcode: string): Promise<void>
  /** Takes off whatever lies on the printers' beds. */
  clearBeds(): Promise<void>
  /** Machine seconds per second, from now on. */
  setSpeed(speed: number): Promise<void>
  /** Memory, processor and event loop of the process. */
  read(): Promise<ServerReading>
  stop(): Promise<void>
}

/** Virtual printers in a process of their own; each reports once a second. */
export const startFarm = async (octoprint: number, moonraker: number): Promise<VirtualFarm> => {
  const file = '../../../packages/virtual-printers/src/cli.ts'
  const wanted = ['--octoprint', `${octoprint}`, '--moonraker', `${moonraker}`, '--speed', '1']
  const program = sourceArguments(file, ['./server-probe.ts'])
  const child = spawn(process.execPath, [...program, ...wanted, '--report-interval', '1000', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  if (child.stdout === null) throw new Error('the farm has no output')
  const lines = createInterface({ input: child.stdout })
  const [line] = (await once(lines, 'line', { signal: AbortSignal.timeout(30_000) })) as [string]
  const { controlUrl, printers } = JSON.parse(line) as { controlUrl: string; printers: VirtualPrinter[] }
  const post = async (path: string, body: object): Promise<void> => {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(controlUrl + path, { method: 'POST', headers, body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`POST ${path} was answered ${response.status}: ${await response.text()}`)
  }
  return {
    printers,
    print: (name, content) =>
      post(`/printers/${encodeURIComponent(name)}/start-at-panel`, { name: 'bench.gcode', content }),
    clearBeds: () => post('/clear-beds', {}),
    setSpeed: (speed) => post('/speed', { speed }),
    read: () => ask(child),
    stop: () => {
      // An open channel would keep the process from ending.
      if (child.connected) child.disconnect()
      return endProcess(child)
    },
  }
}
