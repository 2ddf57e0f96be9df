/** A file that can be read from its start as often as needed. */
export interface UploadFile {
  name: string
  sizeBytes: number
  open: () => AsyncIterable<Uint8Array>
}

/** What can be uploaded. Node's streams are async iterables of bytes. */
export type UploadInput = Blob | Uint8Array | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | UploadFile

/** An input in one form. */
export interface UploadSource {
  name: string | null
  /** Null when only the end of the source tells. */
  sizeBytes: number | null
  /** Whether `open` may be called again. */
  repeatable: boolean
  open: () => AsyncIterable<Uint8Array>
  /** All at once, where the source holds it so. */
  whole: Blob | null
}

const PIECE_BYTES = 256 * 1_024

async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
    yield await Promise.resolve(bytes.subarray(at, at + PIECE_BYTES))
  }
}

async function* readAll(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const reader = stream.getReader()
  let isOver = false
  try {
    for (;;) {
      const { done, value } = await reader.read()
      isOver = done
      if (done) return
      // A Blob's stream may give all of it at once, which would leave no progress to tell.
      yield* piecesOf(value)
    }
  } finally {
    // Left half-way: whoever makes the bytes need not go on.
    if (!isOver) reader.cancel().catch(() => undefined)
  }
}

const isBlob = (input: UploadInput): input is Blob => input instanceof Blob
const isStream = (input: UploadInput): input is ReadableStream<Uint8Array> =>
  typeof (input as Partial<ReadableStream>).getReader === 'function'
const isUploadFile = (input: UploadInput): input is UploadFile =>
  typeof (input as Partial<UploadFile>).open === 'function'

const nameOf = (blob: Blob): string | null => {
  const { name } = blob as { name?: unknown }
  return typeof name === 'string' && name !== '' ? name : null
}

export const uploadSourceOf = (input: UploadInput): UploadSource => {
  if (isBlob(input)) {
    const open = () => readAll(input.stream() as ReadableStream<Uint8Array>)
    return { name: nameOf(input), sizeBytes: input.size, repeatable: true, open, whole: input }
  }
  if (input instanceof Uint8Array) {
    const whole = new Blob([input])
    return { name: null, sizeBytes: input.byteLength, repeatable: true, open: () => piecesOf(input), whole }
  }
  if (isUploadFile(input)) {
    const { name, sizeBytes } = input
    return { name, sizeBytes, repeatable: true, open: () => input.open(), whole: null }
  }
  const open = () => (isStream(input) ? readAll(input) : input)
  return { name: null, sizeBytes: null, repeatable: false, open, whole: null }
}
