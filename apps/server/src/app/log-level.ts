import type { Lifecycle, Logger } from '../kernel/index.js'
import type { LogLevelControl } from '../modules/system/system.service.js'
import type { LogLevels } from '../observability/log-levels.js'
import type { Persistence } from './persistence.js'

export interface LogLevelDeps {
  persistence: Pick<Persistence, 'bus' | 'unitOfWork'>
  levels: LogLevels
  log: Logger
  lifecycle: Lifecycle
}

/** What an admin wants of one instance's log travels to every other as an event, which is the record of it as well. */
export const openLogLevel = ({ persistence, levels, log, lifecycle }: LogLevelDeps): LogLevelControl => {
  const { bus, unitOfWork } = persistence
  const unsubscribe = bus.onEvent((event) => {
    if (event.type !== 'log_level.changed') return
    const { level, until } = event.payload
    const say = () =>
      log.warn({ logLevel: level, until, actorId: event.actorId }, 'what is logged was changed for a while')
    // Said while it can be heard.
    if (level === 'error') say()
    levels.change(level, new Date(until))
    if (level !== 'error') say()
  })
  lifecycle.onStop('log level', () => {
    unsubscribe()
    levels.goBack()
    return Promise.resolve()
  })
  return {
    state: () => ({ level: levels.current, configured: levels.configured, until: levels.until }),
    change: async ({ level, minutes }, actorId) => {
      const until = await unitOfWork.run((tx) => {
        const end = new Date(tx.now.getTime() + minutes * 60_000)
        const payload = { level, until: end.toISOString() }
        tx.record({ type: 'log_level.changed', subjectType: 'log_level', subjectId: 'log_level', payload }, actorId)
        return Promise.resolve(end)
      })
      levels.change(level, until)
    },
  }
}
