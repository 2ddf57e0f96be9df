import { Busboy, type BusboyHeaders } from '@fastify/busboy'

import { GantryError, invalidField } from '../../kernel/errors.js'
import type { Exchange } from '../exchange.js'
import { displayName } from './file-name.js'
import type { IncomingFile } from './raw-upload.js'
import { truncated, UploadSource, type UploadLimits } from './upload-source.js'

const FORM_LIMITS = { files: 1, fields: 10, parts: 12, fieldNameSize: 100, fieldSize: 1_000, headerPairs: 20 }

/** Of everything that is not the file: boundaries, heads of parts, and fields, of which nobody reads one. */
const FRAME_BYTES = 131_072

const malformed = (detail: string, cause?: unknown) =>
  new GantryError('VALIDATION_FAILED', { params: { detail: `the form ${detail}` }, cause })

const openForm = (exchange: Exchange) => {
  try {
    return Busboy({ headers: exchange.req.headers as BusboyHeaders, limits: FORM_LIMITS })
  } catch (cause) {
    throw malformed('is malformed', cause)
  }
}

/**
 * Calls `beyond` with what the form is beyond: what comes before its file is bounded in size and in time, and the whole of
 * it in size.
 * @returns to be called when the file has come
 */
const watched = (
  { req }: Exchange,
  { maxBytes, stallMs }: UploadLimits,
  beyond: (error: GantryError) => void,
): (() => void) => {
  let bytes = 0
  let limitBytes = FRAME_BYTES
  const late = setTimeout(() => beyond(truncated('stalled')), stallMs)
  req.once('close', () => clearTimeout(late))
  req.on('data', (part: Buffer) => {
    bytes += part.length
    if (bytes > limitBytes) beyond(new GantryError('REQUEST_TOO_LARGE', { params: { what: 'body', limitBytes } }))
  })
  return () => {
    clearTimeout(late)
    limitBytes = maxBytes + FRAME_BYTES
  }
}

/**
 * A form with exactly one file. The file's end is held back until the whole form has come.
 * @throws GantryError `VALIDATION_FAILED` when the form is malformed, has no file or more than one, `REQUEST_TOO_LARGE` and
 *   `UPLOAD_TRUNCATED` when its file does not come
 */
export const formUpload = (exchange: Exchange, limits: UploadLimits): Promise<IncomingFile> => {
  const { req, query } = exchange
  const form = openForm(exchange)
  return new Promise((resolve, reject) => {
    let settleWhole: (error?: Error) => void
    const whole = new Promise<void>((done, failed) => {
      settleWhole = (error) => (error === undefined ? done() : failed(error))
    })
    // Nobody may be waiting for it when the file itself has failed.
    whole.catch(() => undefined)
    let source: UploadSource | null = null
    const fail = (error: GantryError) => {
      settleWhole(error)
      source?.destroy(error)
      req.unpipe(form)
      reject(error)
    }
    const fileCame = watched(exchange, limits, fail)

    form.on('file', (_field, file, fileName) => {
      try {
        const name = displayName(query.get('name') ?? fileName)
        source = new UploadSource(limits, whole)
        fileCame()
        // A form that stops takes its file along; a file that is refused must not stop the form's parser.
        file.on('error', (cause) => fail(truncated('connection lost', cause)))
        source.on('close', () => file.resume())
        file.pipe(source)
        resolve({ name, source, contentLength: null })
      } catch (error) {
        file.resume()
        fail(error as GantryError)
      }
    })
    form.on('filesLimit', () => fail(malformed('has more than one file')))
    form.on('partsLimit', () => fail(malformed('has too many parts')))
    form.on('error', (cause) => fail(malformed('is malformed or incomplete', cause)))
    form.on('finish', () => {
      if (source === null) fail(invalidField('file', 'must be given'))
      else settleWhole()
    })
    req.on('error', (cause) => fail(truncated('connection lost', cause)))
    req.on('close', () => {
      if (!req.complete) fail(truncated('connection lost'))
    })
    req.pipe(form)
  })
}
