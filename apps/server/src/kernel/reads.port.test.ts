import { expect, it } from 'vitest'

import { SYSTEM_ACTOR } from './actor.js'
import { listsOfPrimary, onPrimary, type AnyReads, type Primary } from './reads.port.js'

interface Sessions {
  sessions: { isLive: (id: string) => boolean }
}

it('only what is said to read the primary is taken where something is decided', () => {
  const repositories: Sessions = { sessions: { isLive: (id) => id === 'ses_1' } }
  const decide = (reads: Primary<Sessions>) => reads.sessions.isLive('ses_1')
  expect(decide(onPrimary(repositories))).toBe(true)
  // @ts-expect-error nobody said that these read the primary
  expect(decide(repositories)).toBe(true)
})

it('what may come from a replica is not taken there, neither as it is nor as what it hands out', async () => {
  const lists: AnyReads<Sessions> = listsOfPrimary(onPrimary({ sessions: { isLive: () => true } }))
  const decide = (reads: Primary<Sessions>) => reads.sessions.isLive('ses_1')
  // @ts-expect-error these are lists
  expect(() => decide(lists)).toThrow()
  // @ts-expect-error nobody said that this one reads the primary
  expect(await lists.read(SYSTEM_ACTOR, (repositories) => Promise.resolve(decide(repositories)))).toBe(true)
})
