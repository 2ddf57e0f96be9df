/** What OctoPrint remembers of a file's prints; it goes with the file. */
interface PrintRecord {
  readonly success: number
  readonly failure: number
  readonly last: { readonly date: number; readonly printTime: number | null; readonly success: boolean }
  readonly averagePrintTimeSeconds: number | null
  readonly lastPrintTimeSeconds: number | null
}

const MAX_TIMES = 10

/** Print counts and times per file path. */
export class PrintRecords {
  readonly #records = new Map<string, PrintRecord & { readonly times: readonly number[] }>()

  get(path: string): PrintRecord | undefined {
    return this.#records.get(path)
  }

  log(path: string, success: boolean, printTimeSeconds: number, wallMs: number): void {
    const old = this.#records.get(path)
    const times = success ? [...(old?.times ?? []), printTimeSeconds].slice(-MAX_TIMES) : (old?.times ?? [])
    this.#records.set(path, {
      success: (old?.success ?? 0) + (success ? 1 : 0),
      failure: (old?.failure ?? 0) + (success ? 0 : 1),
      last: { date: wallMs / 1000, printTime: printTimeSeconds, success },
      times,
      averagePrintTimeSeconds: times.length > 0 ? times.reduce((sum, time) => sum + time, 0) / times.length : null,
      lastPrintTimeSeconds: times.at(-1) ?? null,
    })
  }

  forget(path: string): void {
    this.#records.delete(path)
  }

  forgetAll(): void {
    this.#records.clear()
  }
}
