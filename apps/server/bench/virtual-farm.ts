import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { once } from 'node:events'

import { endProcess } from '../processes/source-process.js'
import { sourceArguments } from './server-process.js'

interface VirtualPrinter {
  name: string
  kind: 'octoprint' | 'moonraker'
  url: string
  apiKey: string
}

export interface VirtualFarm {
  printers: VirtualPrinter[]
  /** Starts a print at the printer itself, of real length. */
  print(name: string, gcode: string): Promise<void>
  stop(): Promise<void>
}

/** Virtual printers in a process of their own; each reports once a second. */
export const startFarm = async (octoprint: number, moonraker: number): Promise<VirtualFarm> => {
  const file = '../../../packages/virtual-printers/src/cli.ts'
  const wanted = ['--octoprint', `${octoprint}`, '--moonraker', `${moonraker}`, '--speed', '1']
  const child = spawn(process.execPath, [...sourceArguments(file), ...wanted, '--report-interval', '1000', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines = createInterface({ input: child.stdout })
  const [line] = (await once(lines, 'line', { signal: AbortSignal.timeout(30_000) })) as [string]
  const { controlUrl, printers } = JSON.parse(line) as { controlUrl: string; printers: VirtualPrinter[] }
  return {
    printers,
    print: async (name, content) => {
      const url = `${controlUrl}/printers/${encodeURIComponent(name)}/start-at-panel`
      const body = JSON.stringify({ name: 'bench.gcode', content })
      const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
      if (!response.ok) throw new Error(`${name} did not start: ${response.status} ${await response.text()}`)
    },
    stop: () => endProcess(child),
  }
}
