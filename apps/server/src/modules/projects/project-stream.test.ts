import type { Project } from '@gantry/schemas'
import { expect, it } from 'vitest'

import { newId, SYSTEM_ACTOR, type Actor, type FollowEvents, type StoredEvent } from '../../kernel/index.js'
import { projectStream } from './project-stream.js'

const [mine, foreign] = [newId('project'), newId('project')]

const event = (seq: number, type: 'project.created' | 'project.deleted', projectId: string) =>
  ({
    ...{ cursor: String(seq), seq, type, subjectType: 'project', subjectId: projectId, projectId },
    payload: { projectId },
  }) as unknown as StoredEvent

const heard = async (actor: Actor, events: StoredEvent[]): Promise<string[]> => {
  const follow: FollowEvents = async function* () {
    for (const each of await Promise.resolve(events)) yield each
  }
  const sees = (id: string) => actor.scope.projects === 'all' || actor.scope.projects.includes(id)
  const get = (_actor: Actor, id: string) => Promise.resolve(sees(id) ? ({ id } as Project) : null)
  const reads = { projects: { get, list: () => Promise.resolve({ items: [], nextCursor: null }) } }
  const items: string[] = []
  for await (const { cursor, data } of projectStream({ reads, follow } as never, actor, null, AbortSignal.abort())) {
    items.push(`${cursor} ${data.type}`)
  }
  return items
}

it('whoever sees some projects alone hears of no other, not even that it is gone', async () => {
  const events = [
    event(1, 'project.created', mine),
    event(2, 'project.created', foreign),
    event(3, 'project.deleted', foreign),
    event(4, 'project.deleted', mine),
  ]
  const scoped: Actor = { ...SYSTEM_ACTOR, kind: 'user', scope: { printerGroups: 'all', projects: [mine] } }
  expect(await heard(scoped, events)).toEqual(['1 project.created', '4 project.deleted'])
  expect(await heard(SYSTEM_ACTOR, events)).toHaveLength(4)
})
