interface Asked<V> {
  key: string
  resolve: (value: V) => void
  reject: (error: unknown) => void
}

/**
 * Makes one call for many who ask the same of different keys. The first is asked at once; those that come while a call is
 * under way are asked together by the next. Nobody is told what was found out before asking.
 */
export class JoinedCalls<V> {
  private waiting: Asked<V>[] = []
  private underWay = false

  /** @param call fails for all of its keys, or tells the value of each */
  constructor(
    private readonly call: (keys: readonly string[]) => Promise<(key: string) => V>,
    private readonly most = 100,
  ) {}

  ask(key: string): Promise<V> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ key, resolve, reject })
      if (!this.underWay) void this.askAll()
    })
  }

  private async askAll(): Promise<void> {
    this.underWay = true
    while (this.waiting.length > 0) await this.askSome(this.waiting.splice(0, this.most))
    this.underWay = false
  }

  private async askSome(asked: readonly Asked<V>[]): Promise<void> {
    try {
      const valueOf = await this.call(asked.map(({ key }) => key))
      for (const { key, resolve } of asked) resolve(valueOf(key))
    } catch (error) {
      for (const { reject } of asked) reject(error)
    }
  }
}
