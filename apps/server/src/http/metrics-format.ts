interface Accepted {
  type: string
  quality: number
}

const acceptedOf = (header: string): Accepted[] =>
  header.split(',').map((range) => {
    const [type = '', ...params] = range.split(';').map((part) => part.trim().toLowerCase())
    const quality = params.find((param) => param.startsWith('q='))?.slice(2)
    return { type, quality: quality === undefined ? 1 : Number(quality) || 0 }
  })

/** OpenMetrics for whoever names it and does not want plain text more. */
export const metricsFormatFor = (accept: string | undefined): 'prometheus' | 'openmetrics' => {
  const accepted = acceptedOf(accept ?? '')
  const qualityOf = (wanted: string) =>
    Math.max(0, ...accepted.flatMap(({ type, quality }) => (type === wanted ? [quality] : [])))
  const openMetrics = qualityOf('application/openmetrics-text')
  return openMetrics > 0 && openMetrics >= qualityOf('text/plain') ? 'openmetrics' : 'prometheus'
}
