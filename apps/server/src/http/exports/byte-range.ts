export interface WantedRange {
  start: number
  /** Included. */
  end: number
}

const RANGE = /^bytes=(\d{0,15})-(\d{0,15})$/

/**
 * What a `Range` header asks for (RFC 9110, 14.2): null for the whole, also when it is none that we know, such as one of
 * several parts; `none` when no byte lies in it.
 */
export const wantedRange = (header: string | undefined, sizeBytes: number): WantedRange | 'none' | null => {
  const [, first = '', last = ''] = RANGE.exec(header ?? '') ?? []
  if (first === '' && last === '') return null
  if (first === '') return suffix(Number(last), sizeBytes)
  const start = Number(first)
  if (last !== '' && Number(last) < start) return null
  const end = last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1)
  return start >= sizeBytes ? 'none' : { start, end }
}

const suffix = (length: number, sizeBytes: number): WantedRange | 'none' =>
  length === 0 || sizeBytes === 0 ? 'none' : { start: Math.max(0, sizeBytes - length), end: sizeBytes - 1 }
