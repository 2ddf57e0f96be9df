import type { Readable } from 'node:stream'

import type { StorageSpace } from '@gantry/schemas'

/** First and last byte wanted, both included, as in an HTTP range; `end` left out means to the end. */
export interface ByteRange {
  start: number
  end?: number
}

export interface StoredFile {
  sizeBytes: number
}

export interface CommittedFile extends StoredFile {
  /** False if the same content was stored before. */
  created: boolean
}

/** A file that is being received. Ends with exactly one `commit` or `abort`. */
export interface PendingFile {
  /**
   * Takes the next bytes; await it before the next call. `chunk` may be reused as soon as the promise is fulfilled. A
   * failed write may show at a later `write` or at `commit`; call `abort` then.
   * @throws GantryError `STORAGE_FULL`
   */
  write(chunk: Buffer): Promise<void>
  /**
   * Reads back what was written, so that a file can be looked at before anything of it is kept. Not while a `write` is
   * under way.
   * @returns so many bytes from `at`; fewer where the file ends before
   * @throws GantryError `STORAGE_FULL`
   */
  read(at: number, length: number): Promise<Buffer>
  /**
   * Makes the content durable under its hash, which the caller has computed. Storing the same content again is no
   * error, keeps one copy, and counts as receiving it now. On failure nothing is left behind.
   * @throws GantryError `STORAGE_FULL`
   */
  commit(sha256: string): Promise<CommittedFile>
  /** Removes what was received. Harmless after `commit` and when called twice. */
  abort(): Promise<void>
}

/** Immutable content addressed by its SHA-256 in lower-case hex; no user ever names anything in it. */
export interface FileStorage {
  /**
   * @param expectedBytes the announced size, if any, so that a file that cannot fit is refused at once
   * @throws GantryError `STORAGE_FULL`
   */
  begin(expectedBytes?: number): Promise<PendingFile>
  /** @throws GantryError `NOT_FOUND`; `VALIDATION_FAILED` for a range that is none */
  open(sha256: string, range?: ByteRange): Promise<Readable>
  /** Null if there is no such content. */
  stat(sha256: string): Promise<StoredFile | null>
  /**
   * Streams that are open already read on to their end.
   * @param receivedBefore a content that was received later stays, also when that happens just now
   * @returns whether it was deleted
   */
  delete(sha256: string, receivedBefore: Date): Promise<boolean>
  /** Of the disk on which the files lie. */
  space(): Promise<StorageSpace>
  /** Every content, in no order; of those that come or go meanwhile some. */
  contents(signal: AbortSignal): AsyncIterable<string>
  /** Removes what a killed process left half received; returns how many files that were. */
  sweepTemporary(olderThan: Date, signal: AbortSignal): Promise<number>
}
