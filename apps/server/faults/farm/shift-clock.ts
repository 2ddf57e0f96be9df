/** Moves this process's `Date`; its monotonic clock and its timers stay as they are, as on a machine that is set wrongly. */
export const shiftClock = (byMs: number): void => {
  const RealDate = Date
  const nowMs = () => RealDate.now() + byMs
  const shifted = new Proxy(RealDate, {
    apply: () => new RealDate(nowMs()).toString(),
    construct: (target, args: unknown[], newTarget) =>
      Reflect.construct(target, args.length === 0 ? [nowMs()] : args, newTarget) as Date,
    get: (target, key) => (key === 'now' ? nowMs : (Reflect.get(target, key) as unknown)),
  })
  globalThis.Date = shifted
}
