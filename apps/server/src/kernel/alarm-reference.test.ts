import { readFileSync } from 'node:fs'

import { ALARM_CODES } from '@gantry/schemas'
import { expect, it } from 'vitest'

it('every alarm code stands in the reference, and nothing else does', () => {
  const page = readFileSync(new URL('../../../../docs/reference/alarms.md', import.meta.url), 'utf8')
  expect([...page.matchAll(/^\| `([A-Z_]+)`/gm)].map(([, code]) => code)).toEqual([...ALARM_CODES])
})
