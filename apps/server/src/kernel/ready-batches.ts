/** Resolves when whatever can go on without waiting has gone on. */
const turn = (): Promise<null> => new Promise((resolve) => setImmediate(resolve, null))

/**
 * The items of a source in lots: each the next one, and those behind it that come without waiting, so that a reader who is
 * behind reads what it needs for all of them at once. Whoever stops before the end also ends the source by its own means,
 * since one item is always asked for ahead.
 * @param most items of one lot
 */
export async function* readyBatches<T>(source: AsyncIterable<T>, most: number): AsyncGenerator<T[], void, void> {
  const items = source[Symbol.asyncIterator]()
  let next = items.next()
  try {
    for (;;) {
      const first = await next
      if (first.done === true) return
      const batch = [first.value]
      next = items.next()
      while (batch.length < most) {
        const ready = await Promise.race([next, turn()])
        if (ready === null || ready.done === true) break
        batch.push(ready.value)
        next = items.next()
      }
      yield batch
    }
  } finally {
    next.catch(() => undefined)
    void items.return?.()
  }
}
