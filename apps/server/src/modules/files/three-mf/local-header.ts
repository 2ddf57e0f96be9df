import { parseExtraFields, type Entry, type LocalFileHeader } from 'yauzl'

import { refused } from './refusal.js'

const ENCRYPTED = 0x0001
const HAS_DESCRIPTOR = 0x0008
const ZIP64_FIELD = 0x0001
const LEFT_TO_ZIP64 = 0xffffffff

/**
 * Readers of ZIP believe either the list of entries or a file's own header; here both say the same.
 * @throws GantryError `NOT_3MF`
 */
export const checkLocalHeader = (entry: Entry, header: LocalFileHeader, name: string): void => {
  const hasDescriptor = (header.generalPurposeBitFlag & HAS_DESCRIPTOR) !== 0
  const isSame =
    header.fileName.equals(entry.fileNameRaw) &&
    header.compressionMethod === entry.compressionMethod &&
    (header.generalPurposeBitFlag & ENCRYPTED) === 0 &&
    // With a descriptor behind the data the header may leave these open.
    isSaid(header.crc32, entry.crc32, hasDescriptor) &&
    haveSameSizes(entry, header, hasDescriptor)
  if (!isSame) throw refused('malformed', `${name}: its own header says something else`)
}

const isSaid = (own: number, listed: number, mayBeOpen: boolean): boolean => own === listed || (mayBeOpen && own === 0)

const haveSameSizes = (entry: Entry, header: LocalFileHeader, mayBeOpen: boolean): boolean => {
  const long = parseExtraFields(header.extraField).find(({ id }) => id === ZIP64_FIELD)?.data
  let at = 0
  const sizeOf = (short: number): number => {
    if (short !== LEFT_TO_ZIP64 || long === undefined || long.length < at + 8) return short
    at += 8
    return Number(long.readBigUInt64LE(at - 8))
  }
  const sizeBytes = sizeOf(header.uncompressedSize)
  const compressedBytes = sizeOf(header.compressedSize)
  return (
    isSaid(sizeBytes, entry.uncompressedSize, mayBeOpen) && isSaid(compressedBytes, entry.compressedSize, mayBeOpen)
  )
}
