import type { NewEvent, StoredEvent } from '../kernel/events.js'
import { dropOf, type Drop } from './drops.js'

/**
 * What an event makes untrue: whatever carries the tag of its subject's type (`printer`, `print_job`, `attempt` …), or
 * the tag of an id that the event names (`prn_…`). Queries tag their answers accordingly.
 */
export const dropFor = (event: NewEvent | StoredEvent): Drop => {
  if (event.type === 'cache.invalidated') return dropOf(event.payload)
  const tags = new Set([event.subjectType, event.subjectId])
  for (const [name, value] of Object.entries(event.payload)) {
    if (name.endsWith('Id') && typeof value === 'string') tags.add(value)
  }
  for (const scope of [event.printerGroupId ?? null, event.projectId ?? null]) if (scope !== null) tags.add(scope)
  return dropOf({ tags: [...tags] })
}
