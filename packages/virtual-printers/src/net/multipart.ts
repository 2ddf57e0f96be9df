import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Busboy, type BusboyFileStream, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy'
import type { FileStore, StagedFile } from '../files/file-store.js'

export interface MultipartForm {
  readonly fields: ReadonlyMap<string, string>
  /** The first file part; null when there was none. */
  readonly file: { readonly filename: string; readonly staged: StagedFile } | null
}

/** A body that is no readable multipart form. */
export class MultipartError extends Error {}

/**
 * Reads a multipart form; its first file goes to `store` unnamed: the caller commits or discards it.
 * @throws MultipartError, or the stream's error when the sender goes away; nothing is left on disk then
 */
export async function readMultipart(request: IncomingMessage, store: FileStore): Promise<MultipartForm> {
  const form = openForm(request)
  const fields = new Map<string, string>()
  let filename = ''
  let part: Readable | null = null
  let staging: Promise<StagedFile> | null = null
  form.on('field', (name: string, value: string) => fields.set(name, value))
  form.on('file', (_field: string, stream: BusboyFileStream, name: string) => {
    if (staging) {
      stream.resume()
      return
    }
    filename = name
    part = stream
    // A sender that goes away at once destroys the part before the store has begun to read it.
    stream.on('error', () => undefined)
    staging = store.stage(stream)
    // Awaited below; a rejection before that must not count as unhandled.
    staging.catch(() => undefined)
  })
  try {
    await pipeline(request, form)
  } catch (error) {
    // The parser leaves an unfinished part waiting for ever.
    ;(part as Readable | null)?.destroy(new Error('the upload broke off'))
    await discard(staging, store)
    throw error
  }
  const staged = staging as Promise<StagedFile> | null
  return { fields, file: staged ? { filename, staged: await staged } : null }
}

function openForm(request: IncomingMessage): BusboyInstance {
  const type = request.headers['content-type'] ?? ''
  if (!type.startsWith('multipart/form-data')) throw new MultipartError('no multipart form')
  try {
    // One field and part limit for all hosts; a form of a slicer has fewer than ten.
    return new Busboy({
      headers: request.headers as BusboyHeaders,
      preservePath: true,
      limits: { fields: 50, fieldSize: 64 * 1024, files: 5, headerPairs: 50 },
    })
  } catch (error) {
    throw new MultipartError(error instanceof Error ? error.message : 'no multipart form')
  }
}

async function discard(staging: Promise<StagedFile> | null, store: FileStore): Promise<void> {
  const staged = await staging?.catch(() => null)
  if (staged) await store.discard(staged)
}
