import { MAX_SIDE_PX, SIGNATURES, type ExtractedThumbnail } from '../gcode/thumbnail-collector.js'
import { refused } from './refusal.js'

/** A picture of 512 × 512 pixels has a megabyte before it is compressed. */
export const MAX_PICTURE_BYTES = 2 * 1024 * 1024
/** Signature, length and name of the first chunk, and the two sides in it. */
const HEAD_BYTES = 24

/**
 * The picture of a plate, by its own header: whoever shows it makes room for as many pixels as stand there.
 * @returns null for what is no PNG. @throws GantryError `NOT_3MF` for a size that no slicer writes
 */
export const readPlatePicture = (bytes: Buffer, name: string): ExtractedThumbnail | null => {
  if (!bytes.subarray(0, SIGNATURES.png.length).equals(SIGNATURES.png)) return null
  const hasHead = bytes.length >= HEAD_BYTES && bytes.toString('latin1', 12, 16) === 'IHDR'
  const [widthPx, heightPx] = hasHead ? [bytes.readUInt32BE(16), bytes.readUInt32BE(20)] : [0, 0]
  const isSensible = widthPx > 0 && heightPx > 0 && widthPx <= MAX_SIDE_PX && heightPx <= MAX_SIDE_PX
  if (!isSensible) throw refused('picture', `${name}: ${widthPx} × ${heightPx} pixels`)
  return { widthPx, heightPx, format: 'png', sizeBytes: bytes.length, bytes }
}
