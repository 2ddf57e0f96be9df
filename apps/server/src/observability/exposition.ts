import { setImmediate as nextTurn } from 'node:timers/promises'

import type { Registry } from 'prom-client'

/** How numbers are written down: Prometheus' own text, or OpenMetrics 1.0. */
export type MetricsFormat = 'prometheus' | 'openmetrics'

export interface Exposition {
  contentType: string
  text: string
}

const CONTENT_TYPES: Readonly<Record<MetricsFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** So long one turn of the event loop may be spent on writing before others get theirs. */
const TURN_MS = 5

const COUNTER = /^(# HELP \S+?)_total /
const COUNTER_TYPE = /^(\n# TYPE \S+?)_total /
const WHOLE_BOUND = /([{,]le="\d+)"/g

/**
 * One family of Prometheus' text in OpenMetrics: a counter's family is called without `_total`, which only its samples
 * bear, bounds of buckets are floats, and quotes in the help are escaped.
 */
const inOpenMetrics = (family: string): string => {
  const helpEnd = family.indexOf('\n')
  const help = family.slice(0, helpEnd).replaceAll('"', '\\"')
  const rest = family.slice(helpEnd)
  // A family that nothing was counted of yet has no line after this one.
  const [, type = ''] = rest.split('\n', 2)
  if (type.endsWith(' counter')) return help.replace(COUNTER, '$1 ') + rest.replace(COUNTER_TYPE, '$1 ')
  return (
    help + (type.endsWith(' histogram') ? rest.replaceAll(WHOLE_BOUND, '$1.0"') : rest.replaceAll(/ Nan$/gm, ' NaN'))
  )
}

/**
 * All numbers of a registry as text. The library can write OpenMetrics as well, but renames the counters of the registry
 * for good when it does, so that one registry would give only one of the two. Written family by family with turns for
 * others in between: thousands of lines must not stop the server.
 */
export const exposed = async (registry: Registry, format: MetricsFormat): Promise<Exposition> => {
  const families: string[] = []
  let since = performance.now()
  for (const { name } of registry.getMetricsAsArray()) {
    const family = await registry.getSingleMetricAsString(name)
    families.push(format === 'openmetrics' ? inOpenMetrics(family) : family)
    if (performance.now() - since < TURN_MS) continue
    await nextTurn()
    since = performance.now()
  }
  const text = format === 'openmetrics' ? `${[...families, '# EOF'].join('\n')}\n` : `${families.join('\n\n')}\n`
  return { contentType: CONTENT_TYPES[format], text }
}
