import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'

import { isGantryApiError, type GantryClient } from '@gantry/client'

import { zigzagGcode } from '../src/testing/tiny-gcode.js'
import { eventually } from './eventually.js'
import { combinationsOf, loadedIn, type Stock } from './farm/materials.js'

interface GeneratedPrint {
  machineSeconds: number
  /** Filled up with comments to this length. @default as it comes */
  bytes?: number
}

export interface OrderOptions {
  /** All of them at the beginning; an experiment may order the rest itself. */
  copies: number
  copiesPerJob: number
  /** A print file as long as this, in the machine's seconds, for each combination of material and nozzle; or one file. */
  print: GeneratedPrint | { file: string }
}

export interface Order {
  jobId: string
  copies: number
}

const FIXTURES = new URL('../src/modules/files/fixtures/', import.meta.url)
const SECONDS_PER_LINE = 2
const PATIENCE_MS = 120_000

interface PrintFile {
  name: string
  content: Buffer
}

const fixture = async (name: string): Promise<PrintFile[]> => [
  { name, content: await readFile(new URL(name, FIXTURES)) },
]

const generated = ({ machineSeconds, bytes = 0 }: GeneratedPrint, stock: Stock): PrintFile[] =>
  Array.from({ length: combinationsOf(stock) }, (_, index) => {
    const loaded = loadedIn(stock, index)
    const content = zigzagGcode(Math.ceil(machineSeconds / SECONDS_PER_LINE), loaded)
    return {
      name: `${loaded.material}-${loaded.nozzleMm}-${index}.gcode`,
      content: Buffer.from(filledUp(content, bytes)),
    }
  })

const LINE = `; ${'-'.repeat(77)}\n`

const filledUp = (content: string, bytes: number): string =>
  LINE.repeat(Math.max(0, Math.ceil((bytes - content.length) / LINE.length))) + content

/** Somebody who wants things printed: has a file for each combination of material and nozzle, and orders them in turn. */
export class Customer {
  readonly orders: Order[] = []
  private turn = 0

  private constructor(
    private readonly gantry: GantryClient,
    private readonly files: readonly string[],
  ) {}

  static async withFiles(gantry: GantryClient, print: OrderOptions['print'], stock: Stock): Promise<Customer> {
    const ids: string[] = []
    for (const { name, content } of 'file' in print ? await fixture(print.file) : generated(print, stock))
      ids.push((await gantry.files.upload(content, { name })).id)
    return new Customer(gantry, ids)
  }

  /** Ordered so far. */
  get copies(): number {
    return this.orders.reduce((sum, { copies }) => sum + copies, 0)
  }

  async orderAll(copies: number, copiesPerJob: number): Promise<void> {
    for (let left = copies; left > 0; left -= copiesPerJob) await this.order(Math.min(left, copiesPerJob))
  }

  /** With one key over all tries, so that an order whose answer was lost is not placed twice. */
  async order(copies: number): Promise<Order> {
    const idempotencyKey = randomUUID()
    const fileId = this.files[this.turn++ % this.files.length] ?? ''
    const submit = async () => {
      try {
        return (await this.gantry.printJobs.submit({ source: { fileId, copies }, idempotencyKey })).id
      } catch (error) {
        if (isGantryApiError(error) && error.retryable) return null
        throw error
      }
    }
    const jobId = await eventually('an order is taken', submit, { withinMs: PATIENCE_MS, everyMs: 200 })
    const order = { jobId, copies }
    this.orders.push(order)
    return order
  }
}
