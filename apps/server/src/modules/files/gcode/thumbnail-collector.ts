import type { PrintFileThumbnail } from '@gantry/schemas'

/** Base64 characters kept of one thumbnail; slicers write a few tens of kB. */
const MAX_BASE64_BYTES = 2 * 1024 * 1024
const MAX_THUMBNAILS = 16
export const MAX_SIDE_PX = 4096

/** `thumbnail begin 220x124 5432`, `thumbnail_JPG begin 16x16 512`, `thumbnail_QOI begin …` */
const BEGIN = /^thumbnail(?:_(PNG|JPG|QOI))? begin (\d{1,5})\s?[xX]\s?(\d{1,5})/
const END = /^thumbnail(?:_[A-Z]{3})? end/

/** The picture of a print file that is worth showing. */
export interface ExtractedThumbnail extends PrintFileThumbnail {
  format: 'png' | 'jpg'
  bytes: Buffer
}

interface OpenThumbnail {
  widthPx: number
  heightPx: number
  format: PrintFileThumbnail['format']
  base64: string[]
  base64Bytes: number
}

export const SIGNATURES = {
  png: Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
  jpg: Buffer.from([0xff, 0xd8, 0xff]),
  qoi: Buffer.from('qoif', 'latin1'),
}

/**
 * Gathers the base64 pictures that slicers put into comments: lists them all and keeps the bytes of the largest PNG or
 * JPEG. Pictures that are cut off, too large or not what they say are left out. Holds at most two pictures at a time.
 */
export class ThumbnailCollector {
  readonly list: PrintFileThumbnail[] = []
  largest: ExtractedThumbnail | null = null
  #open: OpenThumbnail | null = null

  get isOpen(): boolean {
    return this.#open !== null
  }

  /** Takes a comment that starts with `thumbnail`. */
  mark(comment: string): void {
    const begin = BEGIN.exec(comment)
    if (begin !== null) this.#begin(begin)
    else if (END.test(comment)) this.#end()
  }

  /** Takes a comment line inside a thumbnail block. */
  append(base64: string): void {
    if (this.#open === null) return
    this.#open.base64Bytes += base64.length
    if (this.#open.base64Bytes > MAX_BASE64_BYTES) this.#open = null
    else this.#open.base64.push(base64)
  }

  #begin([, format = 'PNG', width, height]: RegExpExecArray): void {
    this.#open = null
    const [widthPx, heightPx] = [Number(width), Number(height)]
    const sensible = widthPx > 0 && heightPx > 0 && widthPx <= MAX_SIDE_PX && heightPx <= MAX_SIDE_PX
    if (!sensible || this.list.length === MAX_THUMBNAILS) return
    const lower = format.toLowerCase() as PrintFileThumbnail['format']
    this.#open = { widthPx, heightPx, format: lower, base64: [], base64Bytes: 0 }
  }

  #end(): void {
    if (this.#open === null) return
    const { widthPx, heightPx, format, base64 } = this.#open
    this.#open = null
    const bytes = Buffer.from(base64.join(''), 'base64')
    const signature = SIGNATURES[format]
    if (!bytes.subarray(0, signature.length).equals(signature)) return
    const picture = { widthPx, heightPx, sizeBytes: bytes.length }
    this.list.push({ ...picture, format })
    const area = this.largest === null ? 0 : this.largest.widthPx * this.largest.heightPx
    if (format !== 'qoi' && widthPx * heightPx > area) this.largest = { ...picture, format, bytes }
  }
}
