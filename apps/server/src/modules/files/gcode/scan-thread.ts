import { Worker } from 'node:worker_threads'
import type { ScanOrder, ScanReport } from './scan-messages.js'
import { ThreadScan } from './thread-scan.js'

/** A thread that nobody needed for so long is ended. */
const IDLE_MS = 60_000
/** A scan keeps some MB at worst. */
const MAX_HEAP_MB = 256

const IS_SOURCE = import.meta.url.endsWith('.ts')
const ENTRY = new URL(IS_SOURCE ? './scan-worker.ts' : './scan-worker.js', import.meta.url)

/** Run from source, the thread needs the TypeScript loader, which no thread takes over from the one that starts it. */
const sourceLoader = (): string[] => {
  const loader = import.meta.resolve('tsx/esm/api')
  return ['--import', `data:text/javascript,import { register } from ${JSON.stringify(loader)}; register()`]
}

/**
 * One thread that reads all files that are being received at a time, so that the event loop need not. It starts with
 * the first file of some size and ends when idle; it never keeps the process alive by itself. Each file has a bounded
 * number of buffers under way, so a slow thread slows the uploads down.
 */
export class ScanThread {
  #worker: Worker | null = null
  #idle: NodeJS.Timeout | undefined
  #lastScan = 0
  readonly #scans = new Map<number, ThreadScan>()

  constructor(private readonly idleMs: number = IDLE_MS) {}

  /** Begins the scan of one file; it must be ended by `finish` or `abandon`. */
  begin(): ThreadScan {
    const scan = ++this.#lastScan
    return new ThreadScan({
      join: (joining) => this.#join(scan, joining),
      order: (order) => this.#send({ ...order, scan }),
      leave: () => this.#leave(scan),
    })
  }

  /** Ends the thread; scans under way fail. */
  async close(): Promise<void> {
    await this.#end(new Error('The thread that reads g-code was ended.'))
  }

  #join(scan: number, joining: ThreadScan): void {
    clearTimeout(this.#idle)
    this.#worker ??= this.#start()
    this.#worker.ref()
    this.#scans.set(scan, joining)
  }

  #send(order: ScanOrder): void {
    this.#worker?.postMessage(order, order.kind === 'bytes' ? [order.bytes] : [])
  }

  #leave(scan: number): void {
    if (!this.#scans.delete(scan) || this.#scans.size > 0) return
    this.#worker?.unref()
    this.#idle = setTimeout(() => void this.close(), this.idleMs).unref()
  }

  #start(): Worker {
    const worker = new Worker(ENTRY, {
      execArgv: IS_SOURCE ? sourceLoader() : [],
      resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
    })
    const fail = (error: Error) => {
      if (this.#worker === worker) void this.#end(error)
    }
    worker.on('message', (report: ScanReport) => this.#scans.get(report.scan)?.hear(report))
    worker.on('error', fail)
    worker.on('exit', () => fail(new Error('The thread that reads g-code ended by itself.')))
    return worker
  }

  async #end(error: Error): Promise<void> {
    const worker = this.#worker
    this.#worker = null
    clearTimeout(this.#idle)
    const scans = [...this.#scans.values()]
    this.#scans.clear()
    for (const scan of scans) scan.fail(error)
    await worker?.terminate()
  }
}
