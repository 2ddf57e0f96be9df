import { isTrackedEnvelope, tracked, type TrackedEnvelope } from '@trpc/server'
import { z } from 'zod'

import type { Actor } from '../kernel/actor.js'
import type { Context } from './context.js'
import type { StreamSource } from './live-streams.js'

/**
 * What a subscription returns: the source's values for as long as the actor may see them.
 * Declare the output with {@link streamOf} or {@link trackedStreamOf}.
 */
export const liveStream = <T>(
  ctx: Pick<Context, 'liveStreams' | 'signal'> & { actor: Actor },
  source: StreamSource<T>,
): AsyncGenerator<T, void, void> => ctx.liveStreams.run(ctx.actor, ctx.signal(), source)

const isAsyncIterable = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value

async function* parseEach<S extends z.ZodType>(values: AsyncIterable<z.input<S>>, schema: S) {
  for await (const value of values) yield await schema.parseAsync(value)
}

async function* parseTracked<S extends z.ZodType>(values: AsyncIterable<TrackedEnvelope<z.input<S>>>, schema: S) {
  for await (const value of values) {
    if (!isTrackedEnvelope(value)) throw new TypeError('a tracked stream yielded a value without a cursor')
    yield tracked(value[0], await schema.parseAsync(value[1]))
  }
}

/** The output of a subscription: each value is parsed like any other output. */
export const streamOf = <S extends z.ZodType>(schema: S) =>
  z
    .custom<AsyncIterable<z.input<S>>>(isAsyncIterable)
    .transform((values): AsyncIterable<z.output<S>> => parseEach(values, schema))

/**
 * The output of a subscription whose values carry cursors (`tracked(cursor, value)`). Its input must take
 * `lastEventId: z.string().optional()`, since a client that comes back sends the last cursor there.
 */
export const trackedStreamOf = <S extends z.ZodType>(schema: S) =>
  z
    .custom<AsyncIterable<TrackedEnvelope<z.input<S>>>>(isAsyncIterable)
    .transform((values): AsyncIterable<TrackedEnvelope<z.output<S>>> => parseTracked(values, schema))
