import type { Event } from '@sentry/core'

import { startWebSite, type OddServer } from './odd-servers.js'

/** One envelope as it came over the wire. */
export interface Envelope {
  /** The path with its query, which carries the key. */
  url: string
  contentType: string | undefined
  header: Record<string, unknown>
  items: { header: Record<string, unknown>; event: Event }[]
  /** Every byte of it, for whoever looks for secrets. */
  text: string
}

export interface ReportSink extends OddServer {
  /** What `SENTRY_DSN` must be for reports to come here. */
  dsn: string
  envelopes: Envelope[]
  /** The first envelope, once it has come. */
  events: () => Event[]
}

const parsed = (line: string | undefined) => JSON.parse(line ?? 'null') as Record<string, unknown>

const envelopeOf = (text: string) => {
  const [header, ...lines] = text.split('\n').filter((line) => line !== '')
  const items: Envelope['items'] = []
  for (let at = 0; at < lines.length; at += 2) items.push({ header: parsed(lines[at]), event: parsed(lines[at + 1]) })
  return { header: parsed(header), items, text }
}

/** Takes envelopes as Sentry does, and answers with this status. */
export const startReportSink = async (status = 200, headers: Record<string, string> = {}): Promise<ReportSink> => {
  const envelopes: Envelope[] = []
  const site = await startWebSite((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const about = { url: request.url ?? '', contentType: request.headers['content-type'] }
      envelopes.push({ ...about, ...envelopeOf(Buffer.concat(parts).toString()) })
      response.writeHead(status, headers).end('{}')
    })
  })
  const { host } = new URL(site.url)
  const events = () => envelopes.flatMap(({ items }) => items.map(({ event }) => event))
  return { ...site, dsn: `http://thekey@${host}/7`, envelopes, events }
}
