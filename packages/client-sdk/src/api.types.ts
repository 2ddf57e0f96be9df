import type { Mutation, Procedures, Query, Subscription, Tracked } from './generated/router.js'
import type { IterateOptions, StopStream, StreamHandlers } from './streams/stream.types.js'

export interface CallOptions {
  /** Gives the call up; it then rejects with `ABORTED`. An order that is already on its way may still be carried out. */
  signal?: AbortSignal
}

// eslint-disable-next-line @typescript-eslint/no-invalid-void-type -- how tRPC types a procedure without input
type NoInput = void

/** Inputs in which nothing is required may be left out. */
type Args<I, Options> = [I] extends [NoInput]
  ? [options?: Options]
  : object extends NonNullable<I>
    ? [input?: I, options?: Options]
    : [input: I, options?: Options]

/** Rejects with `GantryApiError`. */
export type Call<I, O> = (...args: Args<I, CallOptions>) => Promise<O>

interface StreamWithoutInput<T> {
  (handlers: StreamHandlers<T>): StopStream
  /** The same stream for `for await`; a failed one throws `GantryApiError`. */
  iterate(options?: IterateOptions): AsyncGenerator<T, void, void>
}

interface StreamWithOptionalInput<I, T> {
  (handlers: StreamHandlers<T>): StopStream
  (input: I, handlers: StreamHandlers<T>): StopStream
  /** The same stream for `for await`; a failed one throws `GantryApiError`. */
  iterate(input?: I, options?: IterateOptions): AsyncGenerator<T, void, void>
}

interface StreamWithInput<I, T> {
  (input: I, handlers: StreamHandlers<T>): StopStream
  /** The same stream for `for await`; a failed one throws `GantryApiError`. */
  iterate(input: I, options?: IterateOptions): AsyncGenerator<T, void, void>
}

export type Stream<I, T> = [I] extends [NoInput]
  ? StreamWithoutInput<T>
  : object extends NonNullable<I>
    ? StreamWithOptionalInput<NonNullable<I>, T>
    : StreamWithInput<I, T>

type EventOf<O> = O extends Tracked<infer T> ? T : O

type Callable<P> =
  P extends Query<infer I, infer O>
    ? Call<I, O>
    : P extends Mutation<infer I, infer O>
      ? Call<I, O>
      : P extends Subscription<infer I, infer O>
        ? Stream<I, EventOf<O>>
        : never

type InputOf<P> = P extends Query<infer I, unknown> | Mutation<infer I, unknown> | Subscription<infer I, unknown>
  ? I
  : never
type OutputOf<P> = P extends Query<infer _I, infer O> | Mutation<infer _I, infer O>
  ? O
  : P extends Subscription<infer _I, infer O>
    ? EventOf<O>
    : never

/** Every procedure as a method, by noun and verb. */
export type ProcedureCalls = { [N in keyof Procedures]: { [V in keyof Procedures[N]]: Callable<Procedures[N][V]> } }

/** What procedures take: `GantryInputs['printers']['create']`. */
export type GantryInputs = { [N in keyof Procedures]: { [V in keyof Procedures[N]]: InputOf<Procedures[N][V]> } }

/** What procedures answer, and what streams send: `GantryOutputs['printers']['list']`. */
export type GantryOutputs = { [N in keyof Procedures]: { [V in keyof Procedures[N]]: OutputOf<Procedures[N][V]> } }
