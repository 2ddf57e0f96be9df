/**
 * The signal, but whoever reads `aborted` has the clocks looked at first. In a process that was frozen, what comes in is
 * handled before the timers that are overdue: a driver that reads the job and then sends an order would send it late,
 * maybe to the next print. Every request reads `aborted` before it is sent, and so needs no clock of its own.
 */
export const checkedSignal = (signal: AbortSignal, whyLate: () => Error | null): AbortSignal => {
  const late = new AbortController()
  const checked = AbortSignal.any([signal, late.signal])
  const isAborted = () => Reflect.get<AbortSignal, 'aborted'>(AbortSignal.prototype, 'aborted', checked)
  Object.defineProperty(checked, 'aborted', {
    get: () => {
      const reason = isAborted() ? null : whyLate()
      if (reason !== null) late.abort(reason)
      return isAborted()
    },
  })
  return checked
}
