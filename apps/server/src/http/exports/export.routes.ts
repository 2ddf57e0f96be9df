import type { Readable } from 'node:stream'

import { GantryError } from '../../kernel/errors.js'
import type { Exchange } from '../exchange.js'
import { attachment } from '../files/file-name.js'
import { sendBytes } from '../files/send-bytes.js'
import type { Route } from '../route.js'
import { wantedRange } from './byte-range.js'

/** A finished export, by a link that was checked. */
export interface StoredDownload {
  /** Names this very content. */
  tag: string
  /** The name that the user's browser saves under; made harmless on the way. */
  name: string
  contentType: string
  sizeBytes: number
  open(range?: { start: number; end: number }): Promise<Readable>
}

export interface ExportDownloads {
  /** @throws GantryError `LINK_REFUSED`, `LINK_EXPIRED`, `FORBIDDEN` */
  download(link: { exportId: string; userId: string; expires: string; signature: string }): Promise<StoredDownload>
}

export interface ExportRoutesOptions {
  exports: ExportDownloads
}

const send = async (exchange: Exchange, found: StoredDownload): Promise<void> => {
  const { req, res } = exchange
  const { sizeBytes } = found
  const tag = `"${found.tag}"`
  // A range of what was another content is of no use.
  const isSame = req.headers['if-range'] === undefined || req.headers['if-range'] === tag
  const range = isSame ? wantedRange(req.headers.range, sizeBytes) : null
  if (range === 'none') {
    res.setHeader('Content-Range', `bytes */${sizeBytes}`)
    throw new GantryError('RANGE_NOT_SATISFIABLE')
  }
  const source = await found.open(range ?? undefined)
  res.writeHead(range === null ? 200 : 206, {
    'Content-Type': found.contentType,
    'Content-Length': range === null ? sizeBytes : range.end - range.start + 1,
    ...(range === null ? {} : { 'Content-Range': `bytes ${range.start}-${range.end}/${sizeBytes}` }),
    'Content-Disposition': attachment(found.name),
    'Accept-Ranges': 'bytes',
    'Cache-Control': 'no-store',
    ETag: tag,
  })
  await sendBytes(exchange, source)
}

/** `GET /api/exports/{id}/download`: whoever has the link, with or without a login, in the name of the user it was given. */
export const exportRoutes = ({ exports }: ExportRoutesOptions): Route[] => [
  {
    method: 'GET',
    pattern: '/api/exports/{id}/download',
    access: 'guarded',
    isLong: () => true,
    handle: async (exchange, { id = '' }) => {
      const { query } = exchange
      const of = (name: string) => query.get(name) ?? ''
      const link = { exportId: id, userId: of('user'), expires: of('expires'), signature: of('signature') }
      await send(exchange, await exports.download(link))
    },
  },
]
