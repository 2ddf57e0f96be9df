import type { Readable } from 'node:stream'

import type { Actor } from '../../kernel/actor.js'

export interface UploadRequest {
  /** As the user called it: display text without folders or control characters, at most 255 characters. */
  name: string
  /**
   * The bytes. It fails with `UPLOAD_TRUNCATED` or `FILE_TOO_LARGE`, and ends only when the whole request has come
   * well-formed, so that a handler that read to the end may keep what it read.
   */
  source: Readable
  /** Of the file, when the client told; null for forms. */
  contentLength: number | null
}

export interface Download {
  source: Readable
  sizeBytes: number
  contentType: string
  /** The name that the user's browser saves under; made harmless on the way. */
  name: string
}

/** What the file routes do; permissions are theirs to check. */
export interface FileHandlers {
  /**
   * @param open begins to read the request, which is left alone until then; not called for whoever may not upload
   * @returns the answer's JSON; nothing is kept when it rejects
   */
  upload(actor: Actor, open: () => Promise<UploadRequest>, signal: AbortSignal): Promise<unknown>
  content(actor: Actor, fileId: string, signal: AbortSignal): Promise<Download>
  thumbnail(actor: Actor, fileId: string, signal: AbortSignal): Promise<Download>
}
