import { expect, it } from 'vitest'

import { onPrimary, type Primary } from './reads.port.js'

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
