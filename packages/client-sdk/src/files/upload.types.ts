export interface UploadProgress {
  sentBytes: number
  /** Null when the size is not known before the end. */
  totalBytes: number | null
  /** From 0 to 1; null when the size is not known. */
  progress: number | null
}

export interface UploadOptions {
  /** How the file is called in the library; needed unless the source knows its name. */
  name?: string
  /** The size of a stream, when it is known: the server then refuses what is too large before it is sent. */
  contentLength?: number
  onProgress?: (progress: UploadProgress) => void
  signal?: AbortSignal
}

/** What a way of sending needs. */
export interface SendRequest {
  url: string
  headers: Record<string, string>
  onSent: (sentBytes: number) => void
  /** Aborts with the error to reject with. */
  signal: AbortSignal
}

export interface SendAnswer {
  status: number
  text: string
}
