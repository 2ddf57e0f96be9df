/** One line of a scrape: its name as written, labels and number. */
export interface ReadSample {
  name: string
  labels: Record<string, string>
  value: number
}

export interface ReadFamily {
  type: string
  help: string
  samples: ReadSample[]
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const LABELS = String.raw`(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*)\})?`
const NUMBER = String.raw`([+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|Nan|NaN)`
const SAMPLE = new RegExp(`^(${NAME})${LABELS} ${NUMBER}$`)
const SUFFIXES: Readonly<Record<string, readonly string[]>> = {
  prometheus_counter: [''],
  openmetrics_counter: ['_total'],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
}

const unescaped = (text: string): string =>
  text.replaceAll(/\\(["\\n])/g, (_, char: string) => (char === 'n' ? '\n' : char))

const labelsOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, name = '', value = '']) => [name, unescaped(value)]),
  )

const sampleOf = (line: string): ReadSample => {
  const [, name, labels = '', value] = SAMPLE.exec(line) ?? []
  if (name === undefined || value === undefined) throw new Error(`not a sample: ${line}`)
  return { name, labels: labelsOf(labels), value: Number(value.replace('Inf', 'Infinity').replace('Nan', 'NaN')) }
}

/** Buckets rise to the count in the last, which has no bound. */
const assertHistogram = (name: string, { samples }: ReadFamily, boundsAreFloats: boolean): void => {
  const series = new Map<string, ReadSample[]>()
  for (const sample of samples.filter((one) => one.name === `${name}_bucket`)) {
    const key = JSON.stringify({ ...sample.labels, le: '' })
    series.set(key, [...(series.get(key) ?? []), sample])
  }
  const counts = samples.filter((one) => one.name === `${name}_count`)
  if (counts.length !== series.size) throw new Error(`${name} has ${counts.length} counts of ${series.size} series`)
  for (const buckets of series.values()) {
    const bounds = buckets.map(({ labels }) => labels['le'] ?? '')
    const isRising = buckets.every((bucket, index) => bucket.value >= (buckets[index - 1]?.value ?? 0))
    if (bounds.at(-1) !== '+Inf' || !isRising) throw new Error(`${name} has buckets ${bounds.join(' ')}`)
    const whole = bounds.find((bound) => /^\d+$/.test(bound))
    if (boundsAreFloats && whole !== undefined) throw new Error(`${name} has the bound ${whole}, not ${whole}.0`)
  }
}

/**
 * Reads a scrape as strictly as its format is told.
 * @throws Error when the text breaks a rule of the format
 */
export const readExposition = (text: string, format: 'prometheus' | 'openmetrics'): Map<string, ReadFamily> => {
  const families = new Map<string, ReadFamily>()
  const isOpenMetrics = format === 'openmetrics'
  if (!text.endsWith(isOpenMetrics ? '\n# EOF\n' : '\n')) throw new Error('the end is missing')
  const lines = (isOpenMetrics ? text.slice(0, -'# EOF\n'.length) : text).split('\n').slice(0, -1)
  let current: [name: string, family: ReadFamily] | null = null
  const seen = new Set<string>()
  for (const line of lines) {
    if (line === '' && !isOpenMetrics) continue
    const [, keyword, name = '', rest = ''] = new RegExp(`^# (HELP|TYPE) (${NAME}) (.*)$`).exec(line) ?? []
    if (keyword === 'HELP') {
      if (families.has(name)) throw new Error(`${name} comes twice`)
      if (isOpenMetrics && /(?<!\\)"/.test(rest)) throw new Error(`a bare quote: ${line}`)
      current = [name, { type: '', help: unescaped(rest), samples: [] }]
      families.set(...current)
    } else if (current === null) {
      throw new Error(`before any family: ${line}`)
    } else if (keyword === 'TYPE') {
      if (name !== current[0] || current[1].type !== '' || current[1].samples.length > 0)
        throw new Error(`out of place: ${line}`)
      if (isOpenMetrics && rest === 'counter' && name.endsWith('_total'))
        throw new Error(`a family with _total: ${name}`)
      current[1].type = rest
    } else {
      const sample = sampleOf(line)
      const [family, { type, samples }] = current
      const suffixes = SUFFIXES[type === 'counter' ? `${format}_counter` : type] ?? []
      if (!suffixes.some((suffix) => sample.name === family + suffix))
        throw new Error(`${sample.name} in ${type} ${family}`)
      const key = JSON.stringify([sample.name, Object.entries(sample.labels).sort()])
      if (seen.has(key)) throw new Error(`twice: ${line}`)
      seen.add(key)
      samples.push(sample)
    }
  }
  for (const [name, family] of families) if (family.type === 'histogram') assertHistogram(name, family, isOpenMetrics)
  return families
}
