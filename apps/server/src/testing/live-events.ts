/** One event of a stream as it came over the wire. */
export interface LiveEvent<T> {
  /** The cursor; null on streams that resume by snapshot. */
  id: string | null
  data: T
}

/** A stream that is read as it comes; `await using` hangs up. */
export interface LiveEvents<T> extends AsyncDisposable {
  /** Everything that came so far. */
  readonly seen: readonly LiveEvent<T>[]
  /** Resolves once `isEnough` holds of what came. @throws Error with what came when the stream ends or 10 s pass */
  until(isEnough: (seen: readonly LiveEvent<T>[]) => boolean): Promise<readonly LiveEvent<T>[]>
  /** Waits for the server to end the stream. @returns the code of the reason it gave */
  ended(): Promise<string | null>
  /** Cuts the connection and gives the last cursor. */
  cut(): string | null
}

const PATIENCE_MS = 10_000

class Frames<T> implements LiveEvents<T> {
  readonly seen: LiveEvent<T>[] = []
  private stir: () => void = () => undefined
  private over = false
  private reason: string | null = null
  private readonly reading: Promise<void>

  constructor(
    body: AsyncIterable<Uint8Array>,
    private readonly connection: AbortController,
  ) {
    this.reading = this.read(body)
      .catch(() => undefined)
      .then(() => {
        this.over = true
        this.stir()
      })
  }

  async until(isEnough: (seen: readonly LiveEvent<T>[]) => boolean): Promise<readonly LiveEvent<T>[]> {
    const late = setTimeout(() => this.cut(), PATIENCE_MS)
    try {
      while (!isEnough(this.seen)) {
        if (this.over) throw new Error(`not seen; last came ${JSON.stringify(this.seen.slice(-3))}`)
        await new Promise<void>((resolve) => (this.stir = resolve))
      }
      return this.seen
    } finally {
      clearTimeout(late)
    }
  }

  async ended(): Promise<string | null> {
    await this.reading
    return this.reason
  }

  cut(): string | null {
    this.connection.abort()
    return this.seen.at(-1)?.id ?? null
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut()
    await this.reading
  }

  private async read(body: AsyncIterable<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder()
    let rest = ''
    for await (const chunk of body) {
      const frames = (rest + decoder.decode(chunk, { stream: true })).split('\n\n')
      rest = frames.pop() ?? ''
      // Nothing counts that comes after hanging up: the last cursor was already told.
      if (this.connection.signal.aborted) return
      for (const frame of frames) this.take(new Map(frame.split('\n').map(fieldOf)))
    }
  }

  private take(fields: ReadonlyMap<string, string>): void {
    const data = fields.get('data')
    if (fields.get('event') === 'serialized-error') this.reason = /"code":"([A-Z_]+)"/.exec(data ?? '')?.[1] ?? null
    // Named events are the protocol's own: connected, ping, return.
    if (data === undefined || fields.has('event')) return
    const { json } = JSON.parse(data) as { json: T }
    this.seen.push({ id: fields.get('id') ?? null, data: json })
    this.stir()
  }
}

const fieldOf = (line: string): [string, string] => {
  const colon = line.indexOf(':')
  return [line.slice(0, colon), line.slice(colon + 1).trimStart()]
}

/** Subscribes as a browser does. @throws Error when the answer is no stream */
export const openLiveEvents = async <T>(url: string, headers: Record<string, string>): Promise<LiveEvents<T>> => {
  const connection = new AbortController()
  const response = await fetch(url, { headers, signal: connection.signal })
  if (!response.ok || response.body === null) throw new Error(`no stream: ${response.status} ${await response.text()}`)
  return new Frames<T>(response.body, connection)
}
