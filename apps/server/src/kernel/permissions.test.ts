import { expect, it } from 'vitest'

import { SYSTEM_ACTOR, type Actor } from './actor.js'
import { assertMay, builtInRole, inRole, withinScope } from './permissions.js'
import { EVERYTHING, narrowed } from './scope.js'
import { sightOf } from './sight.js'

const person = (id: string, more: Partial<Actor> = {}): Actor => ({
  ...{ ...SYSTEM_ACTOR, kind: 'user', id },
  ...{ ...inRole('operator'), ...more },
})

it('a role is known by its permissions, and what is made of some of them is none', () => {
  expect(builtInRole(person('usr_1'))).toBe('operator')
  expect(builtInRole({ permissions: new Set([...inRole('viewer').permissions]) })).toBeNull()
})

it('who lacks a permission is told which, and what they are', () => {
  expect(() => assertMay(person('usr_1'), 'files.write')).not.toThrow()
  const refused = { code: 'FORBIDDEN', params: { needs: 'users.manage', has: 'operator' } }
  expect(() => assertMay(person('usr_1'), 'users.manage')).toThrow(expect.objectContaining(refused) as Error)
})

it('who sees a part has nothing that is about the whole', () => {
  const { permissions } = inRole('admin')
  expect(withinScope(permissions, EVERYTHING)).toBe(permissions)
  const ofPrinters = withinScope(permissions, { printerGroups: ['grp_1'], projects: 'all' })
  const ofProjects = withinScope(permissions, { printerGroups: 'all', projects: ['prj_1'] })
  for (const some of [ofPrinters, ofProjects]) {
    for (const whole of ['users.manage', 'webhooks.read', 'exports.farm', 'audit.read', 'system.read', 'jobs.read'])
      expect([...some]).not.toContain(whole)
    expect([...some]).toContain('printers.manage')
  }
  expect([ofPrinters.has('projects.create'), ofProjects.has('projects.create')]).toEqual([true, false])
})

it('two scopes together reach as far as both', () => {
  const one = { printerGroups: ['a', 'b'], projects: 'all' as const }
  const other = { printerGroups: ['b', 'c'], projects: ['p'] }
  expect(narrowed(one, other)).toEqual({ printerGroups: ['b'], projects: ['p'] })
  expect(narrowed(EVERYTHING, one)).toEqual(one)
  expect(narrowed({ printerGroups: [], projects: 'all' }, one)).toEqual({ printerGroups: [], projects: 'all' })
})

it('those share what they see who may ask the same and see everything, and nobody else', () => {
  const [ada, eve] = [person('usr_1'), person('usr_2')]
  expect(sightOf(ada)).toBe(sightOf(eve))
  expect(sightOf(ada)).toBe(sightOf(person('usr_3', { permissions: new Set([...ada.permissions].toReversed()) })))
  expect(sightOf(ada)).not.toBe(sightOf(person('usr_1', inRole('viewer'))))
  const scope = { printerGroups: 'all' as const, projects: ['prj_1'] }
  const [scoped, another] = [person('usr_1', { scope }), person('usr_2', { scope: { ...scope, projects: ['prj_1'] } })]
  // Each sees besides what is their own.
  expect(sightOf(scoped)).not.toBe(sightOf(another))
  expect(sightOf(scoped)).toBe(sightOf(person('usr_1', { scope: { ...scope, projects: ['prj_1'] } })))
  expect(sightOf(scoped)).not.toBe(sightOf(ada))
})
