import { readFileSync } from 'node:fs'

import { apiHealth, apiIndex, detailedHealth, health, liveness, partState, readiness } from '@gantry/schemas'
import type { ZodObject } from 'zod'
import { expect, it } from 'vitest'

import { startProbeServer } from '../../testing/http-test-server.js'

const page = readFileSync(new URL('../../../../../docs/reference/health.md', import.meta.url), 'utf8')
const below = (heading: string) => page.split(heading)[1] ?? ''
const SCHEMAS: Record<string, ZodObject> = {
  '/healthz': liveness,
  '/ready': readiness,
  '/health': health,
  '/health/detailed': detailedHealth,
  '/api/health': apiHealth,
  '/api': apiIndex,
}
/** With the route that was named last before each. */
const examples = below('## Answers').matchAll(
  /(?:^`(\/\S*)`.*|localhost:3000(\/health\/detailed)`[^`]*)|^```json\n([^`]*)^```/gm,
)

it('lists every route, and each of them is there', async () => {
  const listed = [...page.matchAll(/^\| `(\/\S*)` +\|/gm)].map(([, route]) => route ?? '')
  expect(listed).toEqual(Object.keys(SCHEMAS))
  const server = await startProbeServer()
  for (const route of listed) expect((await fetch(server.url + route)).status).not.toBe(404)
  await server.stop()
})

it('shows an answer of every route, with all of its fields and no others', () => {
  let route = ''
  const shown = new Set<string>()
  for (const [, named, detailed, json] of examples) {
    if (json === undefined) {
      route = named ?? detailed ?? ''
      continue
    }
    const answer: unknown = JSON.parse(json)
    expect(SCHEMAS[route]?.parse(answer), route).toEqual(answer)
    shown.add(route)
  }
  expect([...shown].sort()).toEqual(Object.keys(SCHEMAS).sort())
})

it('explains every part of the detailed answer', () => {
  const explained = [...below('## In detail').matchAll(/^\| `(\w+)` +\|/gm)].map(([, part]) => part)
  const parts = Object.entries(detailedHealth.shape).flatMap(([name, schema]) =>
    'shape' in schema && 'tookSeconds' in (schema.shape as object) ? [name] : [],
  )
  expect(explained).toEqual(parts)
  for (const state of partState.options) expect(page).toContain(`\`${state}\``)
})
