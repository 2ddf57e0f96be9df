import { randomUUID } from 'node:crypto'

import type { Actor, Authenticator } from '../kernel/actor.js'
import { GantryError } from '../kernel/errors.js'
import type { PlaceTerms, SharedPlaces } from '../kernel/shared-places.port.js'
import { gantryErrorOf, trpcErrorOf } from './gantry-error-of.js'
import { unlessAborted } from './unless-aborted.js'

const RETRY_AFTER_STOP_SECONDS = 2

export interface LiveStreamsOptions {
  authenticator: Pick<Authenticator, 'stillValid'>
  /** How often the actor of an open stream is checked again, in milliseconds. @default 30000 */
  recheckMs?: number
  /** Streams that one actor may hold open at once, at all processes together where they share places. @default 20 */
  maxPerActor?: number
  /** @default null: each process counts for itself, as it does while the shared places are away */
  places?: SharedPlaces | null
}

/** The stream of a process that died counts for so many times of {@link LiveStreamsOptions.recheckMs}. */
const HELD_FOR_RECHECKS = 3

interface OpenStream {
  /** Its name among the shared places. */
  id: string
  end: AbortController
}

/** Makes the stream's values; `signal` aborts when the stream ends for whatever reason. */
export type StreamSource<T> = AsyncIterable<T> | ((signal: AbortSignal) => AsyncIterable<T>)

/**
 * The streams that are open now. A stream ends with a typed reason: `SESSION_ENDED` when its actor may no longer see
 * it, `UNAVAILABLE` when that cannot be found out or the server stops (clients come back by themselves), or nothing at
 * all when the client left.
 */
export class LiveStreams {
  private readonly open = new Set<OpenStream>()
  private readonly perActor = new Map<string, number>()

  private readonly recheckMs: number
  private readonly terms: PlaceTerms

  constructor(private readonly options: LiveStreamsOptions) {
    this.recheckMs = options.recheckMs ?? 30_000
    this.terms = { limit: options.maxPerActor ?? 20, heldMs: HELD_FOR_RECHECKS * this.recheckMs }
  }

  get count(): number {
    return this.open.size
  }

  /** @throws TRPCError of `RATE_LIMITED` when the actor holds too many streams, else of the reason of its end */
  async *run<T>(actor: Actor, signal: AbortSignal, source: StreamSource<T>): AsyncGenerator<T, void, void> {
    const end = new AbortController()
    const stream: OpenStream = { id: randomUUID(), end }
    const onGone = () => end.abort(signal.reason)
    try {
      await this.enter(actor, stream)
      if (signal.aborted) return
      signal.addEventListener('abort', onGone, { once: true })
      const recheck = setInterval(() => void this.recheck(actor, stream), this.recheckMs)
      try {
        yield* valuesUntil(typeof source === 'function' ? source(end.signal) : source, end.signal)
      } finally {
        clearInterval(recheck)
      }
    } catch (error) {
      if (!signal.aborted) throw trpcErrorOf(error)
    } finally {
      signal.removeEventListener('abort', onGone)
      this.leave(actor, stream)
    }
  }

  /** Ends every stream; clients are told when to come back. */
  endAll(): void {
    const reason = new GantryError('UNAVAILABLE', {
      params: { reason: 'stopping' },
      retryAfterSeconds: RETRY_AFTER_STOP_SECONDS,
    })
    for (const { end } of [...this.open]) end.abort(reason)
  }

  private async enter(actor: Actor, stream: OpenStream): Promise<void> {
    const held = this.perActor.get(actor.id) ?? 0
    if (held >= this.terms.limit) throw this.tooMany()
    this.perActor.set(actor.id, held + 1)
    this.open.add(stream)
    if ((await this.options.places?.take(actor.id, stream.id, this.terms)) === false) throw this.tooMany()
  }

  private tooMany(): GantryError {
    return new GantryError('RATE_LIMITED', { params: { limit: this.terms.limit, of: 'open streams' } })
  }

  private leave(actor: Actor, stream: OpenStream): void {
    stream.end.abort(new GantryError('REQUEST_ABORTED'))
    if (!this.open.delete(stream)) return
    void this.options.places?.giveBack(actor.id, stream.id)
    const held = (this.perActor.get(actor.id) ?? 1) - 1
    if (held > 0) this.perActor.set(actor.id, held)
    else this.perActor.delete(actor.id)
  }

  private async recheck(actor: Actor, { id, end }: OpenStream): Promise<void> {
    void this.options.places?.renew(actor.id, id, this.terms)
    try {
      if (!(await this.options.authenticator.stillValid(actor))) end.abort(new GantryError('SESSION_ENDED'))
    } catch (cause) {
      end.abort(new GantryError('UNAVAILABLE', { detail: gantryErrorOf(cause).message, cause }))
    }
  }
}

/** Passes values on until the signal aborts; then the source is told to finish, and not waited for. */
async function* valuesUntil<T>(source: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T, void, void> {
  const iterator = source[Symbol.asyncIterator]()
  try {
    for (;;) {
      const step = await unlessAborted(iterator.next(), signal)
      if (step.done === true) return
      yield step.value
    }
  } finally {
    // A generator that still waits inside `next` finishes only when that wait ends; its failure then concerns nobody.
    iterator.return?.().catch(() => undefined)
  }
}
