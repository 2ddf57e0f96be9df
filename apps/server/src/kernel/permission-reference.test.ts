import { readFileSync } from 'node:fs'

import {
  ALL_PROJECTS_PERMISSIONS,
  FARM_WIDE_PERMISSIONS,
  PERMISSIONS,
  ROLE_PERMISSIONS,
  userRole,
  type Permission,
} from '@gantry/schemas'
import { expect, it } from 'vitest'

const page = readFileSync(new URL('../../../../docs/reference/permissions.md', import.meta.url), 'utf8')

const scopeOf = (permission: Permission): string => {
  if ((FARM_WIDE_PERMISSIONS as readonly Permission[]).includes(permission)) return 'whole farm'
  return (ALL_PROJECTS_PERMISSIONS as readonly Permission[]).includes(permission) ? 'all projects' : '–'
}

it('docs/reference/permissions.md lists every permission with the roles that have it, and no other', () => {
  const rows = page.split('\n').filter((line) => line.startsWith('| `'))
  const listed = rows.map((row) => {
    const cells = row.split('|').map((cell) => cell.trim())
    expect(cells.at(-2), `what ${cells[1] ?? ''} is for`).toMatch(/\w/)
    return cells.slice(1, 6)
  })
  expect(listed).toEqual(
    PERMISSIONS.map((permission) => [
      `\`${permission}\``,
      ...userRole.options.map((role) => (ROLE_PERMISSIONS[role].includes(permission) ? 'yes' : '–')),
      scopeOf(permission),
    ]),
  )
})

it('every role has what the one below it has', () => {
  const { viewer, operator, admin } = ROLE_PERMISSIONS
  expect(operator).toEqual(expect.arrayContaining([...viewer]))
  expect(admin).toEqual(expect.arrayContaining([...operator]))
})
