interface Asked<T, R> {
  item: T
  resolve: (result: R) => void
  reject: (error: unknown) => void
}

/**
 * Does many things at one go: what is asked for while a lot is under way goes into the next, so that hundreds of
 * printers that change at once cost a few transactions. Nothing is done before it was asked for.
 */
export class Gatherer<T, R> {
  private asked: Asked<T, R>[] = []
  private busy = false

  /** @param doAll gives one result for each item, in their order; when it fails, it fails for all of them */
  constructor(private readonly doAll: (items: T[]) => Promise<R[]>) {}

  do(item: T): Promise<R> {
    return new Promise((resolve, reject) => {
      this.asked.push({ item, resolve, reject })
      if (!this.busy) void this.work()
    })
  }

  private async work(): Promise<void> {
    this.busy = true
    while (this.asked.length > 0) {
      const lot = this.asked.splice(0)
      try {
        const results = await this.doAll(lot.map(({ item }) => item))
        lot.forEach(({ resolve }, n) => resolve(results[n] as R))
      } catch (error) {
        for (const { reject } of lot) reject(error)
      }
    }
    this.busy = false
  }
}
