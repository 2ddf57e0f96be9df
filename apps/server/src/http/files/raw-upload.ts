import { pipeline } from 'node:stream'

import type { Exchange } from '../exchange.js'
import { displayName, nameInDisposition } from './file-name.js'
import { truncated, UploadSource, type UploadLimits } from './upload-source.js'

export interface IncomingFile {
  name: string
  source: UploadSource
  contentLength: number | null
}

/** A request whose body is the file. */
export const rawUpload = ({ req, query }: Exchange, limits: UploadLimits): IncomingFile => {
  const name = displayName(query.get('name') ?? nameInDisposition(req.headers['content-disposition']))
  const source = new UploadSource(limits, Promise.resolve())
  req.on('error', (cause) => source.destroy(truncated('connection lost', cause)))
  pipeline(req, source, () => {
    // Told to the reader of `source`, which is the one that must act.
  })
  const length = req.headers['content-length']
  return { name, source, contentLength: length === undefined ? null : Number(length) }
}
