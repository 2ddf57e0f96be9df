import { readFile } from 'node:fs/promises'

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'

import { createMetrics, type MetricFamily } from '../../src/observability/metrics.js'
import { startAppUnderTest, type AppUnderTest } from '../../src/testing/app-under-test.js'
import { readExposition, type ReadFamily } from '../../src/testing/read-exposition.js'

const read = (path: string) => readFile(new URL(`../../../../${path}`, import.meta.url), 'utf8')

let app: AppUnderTest
let families: Map<string, MetricFamily>
let shown: Map<string, ReadFamily>

beforeAll(async () => {
  const metrics = createMetrics()
  app = await startAppUnderTest({}, { metrics })
  families = new Map(metrics.families().map((family) => [family.name, family]))
  const scrape = async () => readExposition((await metrics.expose('prometheus')).text, 'prometheus')
  const isCounted = async () => (await scrape()).get('gantry_alarms_open')?.samples.length !== 0
  await vi.waitUntil(isCounted, { timeout: 60_000, interval: 100 })
  shown = await scrape()
}, 120_000)
afterAll(() => app[Symbol.asyncDispose]())

it('docs/reference/metrics.md lists every metric of a server of all roles as it is, and no other', async () => {
  const rows = (await read('docs/reference/metrics.md')).split('\n').filter((line) => line.startsWith('| `'))
  const listed = rows.map((row) =>
    row
      .split('|')
      .slice(1, 5)
      .map((cell) => cell.trim()),
  )
  const expected = [...families.values()].map(({ name, type, labelNames, help }) => [
    ...[`\`${name}\``, type],
    labelNames.map((label) => `\`${label}\``).join(', '),
    help,
  ])
  expect(listed.sort()).toEqual(expected.sort())
})

it('every metric has a help, units in its name, and labels that cannot grow without bound', () => {
  for (const { name, type, help, labelNames } of families.values()) {
    expect(help, name).toMatch(/^[A-Z0-9][^"|]*\.$/)
    expect(
      labelNames.filter((label) => /id$|^(user|printer|job|file|path|url|ip|email)$/.test(label)),
      name,
    ).toEqual([])
    if (name.startsWith('gantry_')) expect(name.endsWith('_total'), name).toBe(type === 'counter')
    if (type === 'histogram') expect(name).toMatch(/_seconds$/)
  }
})

/** Label values that are known beforehand: to ask for another would find nothing for ever. */
const CLOSED = [
  'gantry_alarms_open',
  'gantry_attempts_active',
  'gantry_attempts_total',
  'gantry_holds_open',
  'gantry_logins_total',
  'gantry_outbox_rows',
  'gantry_printer_connections',
  'gantry_printers',
]
/** Prometheus' own, of every scrape. */
const OF_THE_SCRAPE = ['job', 'instance']
const SUFFIX = /_(?:bucket|sum|count)$/

/** What is wrong with a query, by the names and labels in it. */
const faultsOf = (query: string): string[] => {
  const faults: string[] = []
  const used: MetricFamily[] = []
  for (const [, name = '', selector = ''] of query.matchAll(
    /\b((?:gantry|http|process|nodejs)_\w+)(?:\{([^}]*)\})?/g,
  )) {
    const family = families.get(name) ?? families.get(name.replace(SUFFIX, ''))
    if (family === undefined || (family.name === name) === (family.type === 'histogram')) {
      faults.push(`there is no ${name}`)
      continue
    }
    used.push(family)
    for (const [, label = '', sign = '', value = ''] of selector.matchAll(/(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g)) {
      if (!known([family]).includes(label)) faults.push(`${name} has no label ${label}`)
      if (value.includes('$') || !CLOSED.includes(family.name)) continue
      const values = shown.get(family.name)?.samples.map(({ labels }) => labels[label]) ?? []
      for (const one of sign.includes('~') ? value.split('|') : [value])
        if (!values.includes(one)) faults.push(`${name} is never ${label} ${one}`)
    }
  }
  if (used.length === 0 && !/\bup\b/.test(query)) faults.push('it asks for no metric')
  for (const [, labels = ''] of query.matchAll(/\b(?:by|without|on|ignoring)\s*\(([^)]*)\)/g))
    for (const label of labels.split(',').map((text) => text.trim()))
      if (label !== '' && !known(used).includes(label)) faults.push(`nothing has the label ${label}`)
  return faults
}
const known = (used: readonly MetricFamily[]) => [
  ...OF_THE_SCRAPE,
  'le',
  ...used.flatMap(({ labelNames }) => labelNames),
]

describe('a query', () => {
  it.each([
    ['rate(gantry_things_total[5m])', ['there is no gantry_things_total']],
    ['http_request_duration_seconds', ['there is no http_request_duration_seconds']],
    ['gantry_printers_count', ['there is no gantry_printers_count']],
    ['sum by (path) (rate(http_request_duration_seconds_count[5m]))', ['nothing has the label path']],
    ['gantry_alarms_open{name="X"}', ['gantry_alarms_open has no label name']],
    ['gantry_alarms_open{code="X"}', ['gantry_alarms_open is never code X']],
    ['max by (state) (gantry_printers{state=~"offline|error"})', []],
  ])('%s is judged by what the code registers', (query, faults) => {
    expect(faultsOf(query)).toEqual(expect.arrayContaining(faults))
    expect(faultsOf(query).length > 0).toBe(faults.length > 0)
  })
})

interface Panel {
  id: number
  title: string
  type: string
  panels?: Panel[]
  datasource?: { type: string; uid: string }
  gridPos: { x: number; y: number; w: number; h: number }
  targets?: { expr: string; refId: string }[]
}

describe('the Grafana dashboard', () => {
  it('asks only for what there is, from the data source that its user chooses', async () => {
    const dashboard = JSON.parse(await read('deploy/grafana/gantry.json')) as {
      schemaVersion: number
      panels: Panel[]
      templating: { list: { name: string; type: string; query: string }[] }
    }
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(38)
    expect(dashboard.templating.list).toContainEqual(
      expect.objectContaining({ name: 'datasource', type: 'datasource' }),
    )
    const panels = dashboard.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])])
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    for (const { type, title, targets = [], datasource, gridPos } of panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
      if (type === 'row') continue
      expect(datasource, title).toEqual({ type: 'prometheus', uid: '${datasource}' })
      expect(targets.length, title).toBeGreaterThan(0)
      for (const { expr } of targets) expect([title, expr, faultsOf(expr)]).toEqual([title, expr, []])
    }
    const rows = panels.filter(({ type }) => type === 'row').map(({ title }) => title)
    expect(rows).toEqual(['Overview', 'HTTP', 'Printers', 'Queue and jobs', 'Database', 'Cache', 'Process'])
  })
})

interface Rule {
  alert: string
  expr: string
  body: string
}

/** The file is written so that every rule's parts are lines of their own. */
const rulesIn = (yaml: string): Rule[] =>
  yaml
    .split(/^ {6}- alert: /m)
    .slice(1)
    .map((text) => ({
      alert: /^\w+/.exec(text)?.[0] ?? '',
      expr:
        /^ {8}expr: (.*(?:\n {10}.*)*)/m
          .exec(text)?.[1]
          ?.replace(/^\|-?\n/, '')
          .replaceAll(/\s+/g, ' ')
          .trim() ?? '',
      body: text,
    }))

describe('the alerts', () => {
  it('ask only for what there is, and say what is wrong and how much it matters', async () => {
    const rules = rulesIn(await read('deploy/prometheus/alerts.yml'))
    for (const { alert, expr, body } of rules) {
      expect([alert, expr, faultsOf(expr)]).toEqual([alert, expr, []])
      expect(body, alert).toMatch(/^ {8}for: \d+[smh]$/m)
      expect(body, alert).toMatch(/^ {10}severity: (critical|warning)$/m)
      expect(body, alert).toMatch(/^ {10}summary: \S/m)
      expect(body, alert).toMatch(/^ {10}description: \S/m)
    }
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
    expect(rules.map(({ alert }) => alert)).toEqual(
      expect.arrayContaining([
        'GantryDown',
        'GantryPrinterDown',
        'GantryAttemptsFailing',
        'GantryOutboxStuck',
        'GantryBreakerOpen',
        'GantryHeaterOnWithoutJob',
        'GantryDatabasePoolExhausted',
        'GantryErrorRate',
      ]),
    )
  })

  it('are loaded by the example of a configuration, which scrapes with the token', async () => {
    const yaml = await read('deploy/prometheus/prometheus.yml')
    expect(yaml).toMatch(/^rule_files:\n {2}- alerts\.yml$/m)
    expect(yaml).toMatch(/^ {4}metrics_path: \/metrics$/m)
    expect(yaml).toMatch(/^ {4}authorization:$/m)
  })
})
