import type { FileFormat, FileVersion, Page, PrintFile, PrintFileMetadata, PrintFileThumbnail } from '@gantry/schemas'

import type { Actor } from '../../kernel/index.js'

export interface StoredThumbnail {
  sha256: string
  format: PrintFileThumbnail['format']
}

/** Where the bytes of one version lie. */
export interface FileContent {
  name: string
  sha256: string
  format: FileFormat
  thumbnail: StoredThumbnail | null
}

export interface NewFileVersion {
  id: string
  fileId: string
  sha256: string
  sizeBytes: number
  format: FileFormat
  metadata: PrintFileMetadata
  thumbnail: StoredThumbnail | null
  createdById: string
}

/** The library of print files; it is one for the whole installation, of which an actor may see a part. */
export interface FileRepository {
  list(actor: Actor, query: { limit: number; cursor: string | null }): Promise<Page<PrintFile>>
  get(actor: Actor, fileId: string): Promise<PrintFile | null>
  /** Newest first. */
  versions(actor: Actor, fileId: string, limit: number): Promise<FileVersion[]>
  /** Of one version, or of a file's newest. Versions of a removed file are found by their own id alone. */
  findContent(actor: Actor, id: { fileId: string } | { fileVersionId: string }): Promise<FileContent | null>

  /** Nobody else stores or discards these contents until the transaction ends. */
  lockContents(sha256s: readonly string[]): Promise<void>
  /** Those that no version has as its content or thumbnail. */
  unreferenced(sha256s: readonly string[]): Promise<string[]>
  /** Locks the file of this name, upper and lower case alike, and makes it with `newFileId` when there is none. */
  lockNamed(
    name: string,
    newFileId: string,
    createdById: string,
  ): Promise<{ fileId: string; latestSha256: string | null }>
  addVersion(version: NewFileVersion, now: Date): Promise<void>
  /** Nobody else adds what this user uploaded until the transaction ends. */
  lockUploadsOf(userId: string): Promise<void>
  /** Of all versions that this user uploaded and that are kept; the same content counts each time. */
  bytesUploadedBy(userId: string): Promise<number>

  /** Whether it is somebody else's, and projects or jobs that the actor does not see print it. */
  isUsedElsewhere(actor: Actor, fileId: string): Promise<boolean>
  /** Locks the file with its versions. @returns whether unfinished jobs print it; null when there is no such file */
  lockForRemoval(actor: Actor, fileId: string): Promise<{ isInUse: boolean } | null>
  /** Takes the file out of the library, and drops versions that no job or part ever used. @returns the dropped contents */
  remove(fileId: string, now: Date): Promise<string[]>
}
