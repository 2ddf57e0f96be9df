import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

import { startDatabase, type BenchDatabase } from './bench-database.js'
import { startServer, type BenchServer } from './server-process.js'
import { startFarm, type VirtualFarm } from './virtual-farm.js'

const FIXTURE = new URL('../src/modules/files/fixtures/demo-token.gcode', import.meta.url)
const MODEL = 'MK3S'

/** The real server with virtual printers that all fit one uploaded file, and a view of its database. */
export interface PrintShop {
  server: BenchServer
  database: BenchDatabase
  farm: VirtualFarm
  printerIds: string[]
  /** Says of every printer that its bed is clear, and waits until all take copies. */
  allFree(): Promise<void>
  /** @returns the job's id */
  order(copies: number): Promise<string>
  stop(): Promise<void>
}

const PATIENCE_MS = 300_000

export const until = async (what: string, look: () => Promise<boolean>, everyMs = 100): Promise<void> => {
  const began = performance.now()
  while (!(await look())) {
    if (performance.now() - began > PATIENCE_MS) throw new Error(`${what}: not within ${PATIENCE_MS / 1000} s`)
    await sleep(everyMs)
  }
}

export const registerPrinters = async (server: BenchServer, farm: VirtualFarm): Promise<string[]> => {
  const ids: string[] = []
  for (const { name, kind, url, apiKey } of farm.printers) {
    const machine = { model: MODEL, nozzleDiameterMm: 0.4, buildVolume: { xMm: 250, yMm: 210, zMm: 210 } }
    const materials = [{ slot: 0, material: 'PLA' }]
    const printer = await server.call('POST', '/api/printers', { name, kind, url, apiKey, ...machine, materials })
    ids.push((printer as { id: string }).id)
  }
  return ids
}

const upload = async ({ url, headers }: BenchServer): Promise<string> => {
  const type = { ...headers, 'content-type': 'application/octet-stream' }
  const body = await readFile(FIXTURE)
  const response = await fetch(`${url}/api/files?name=token.gcode`, { method: 'POST', headers: type, body })
  if (!response.ok) throw new Error(`the upload was answered ${response.status}: ${await response.text()}`)
  return ((await response.json()) as { id: string }).id
}

const freeOf = async (server: BenchServer): Promise<number> => {
  let free = 0
  for (let cursor: string | null = null, isFirst = true; isFirst || cursor !== null; isFirst = false) {
    const more: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const page = (await server.call('GET', `/api/printers?limit=200${more}`)) as {
      items: { status: { dispatchable: boolean } }[]
      nextCursor: string | null
    }
    free += page.items.filter(({ status }) => status.dispatchable).length
    cursor = page.nextCursor
  }
  return free
}

export const openPrintShop = async (printers: number, speed: number): Promise<PrintShop> => {
  const database = await startDatabase()
  const started: (() => Promise<void>)[] = [() => database.stop()]
  const stop = async () => {
    for (const end of started.splice(0).reverse()) await end()
  }
  try {
    const server = await startServer({ DATABASE_URL: database.url })
    started.push(() => server.stop())
    const farm = await startFarm(Math.ceil(printers / 2), Math.floor(printers / 2))
    started.push(() => farm.stop())
    await farm.setSpeed(speed)
    const printerIds = await registerPrinters(server, farm)
    const fileId = await upload(server)
    const allFree = async () => {
      await farm.clearBeds()
      for (const id of printerIds) await server.call('POST', `/api/printers/${id}/clear-bed`, {})
      await until('all printers free', async () => (await freeOf(server)) === printers, 500)
    }
    const order = async (copies: number) => {
      const job = await server.call('POST', '/api/print-jobs', { source: { fileId, copies } })
      return (job as { id: string }).id
    }
    return { server, database, farm, printerIds, allFree, order, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
