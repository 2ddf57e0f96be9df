/** This process's clock, for ages. Domain times are the database's. Milliseconds since 1970. */
export interface Clock {
  now(): number
}

/** Takes back what was to be done later; without effect once it was done. */
export type CallOff = () => void

/**
 * Every wait of whoever drives printers goes by this one port, so that a simulation can hold time in its hands: what is
 * shown there about deadlines and leases would else be shown about other code.
 */
export interface Timers extends Clock {
  /** Milliseconds that only grow, whatever is done to the machine's clock; only their differences mean something. */
  monotonicMs(): number
  /** Does it once, after `ms`. */
  after(ms: number, act: () => void): CallOff
  /** Aborts after `ms`. */
  deadline(ms: number): AbortSignal
}

export const systemClock: Timers = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after: (ms, act) => {
    const timer = setTimeout(act, ms)
    return () => clearTimeout(timer)
  },
  deadline: (ms) => AbortSignal.timeout(ms),
}

/** Does it again and again, for the first time after `ms`. */
export const every = (clock: Timers, ms: number, act: () => void): CallOff => {
  let callOff = clock.after(ms, again)
  function again(): void {
    callOff = clock.after(ms, again)
    act()
  }
  return () => callOff()
}

/** Resolves after `ms`, or at once when the signal aborts. */
export const pause = (clock: Timers, ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const stop = () => {
      callOff()
      signal.removeEventListener('abort', stop)
      resolve()
    }
    const callOff = clock.after(ms, stop)
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })

/** What comes within `ms`. @throws Error when nothing does; what comes of it later is nobody's concern */
export const inTime = async <T>(ms: number, wanted: Promise<T>): Promise<T> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([wanted, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Waits for something no longer than `ms`; what comes of it later, good or bad, is nobody's concern. */
export const atMost = async (ms: number, wanted: Promise<unknown>): Promise<void> => {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  wanted.catch(() => undefined)
  try {
    await Promise.race([wanted, late])
  } finally {
    clearTimeout(timer)
  }
}
