import type { ArchiveSource } from './archive-source.js'
import { refused } from './refusal.js'

/** Where the list of an archive's entries lies. */
export interface ArchiveEnd {
  entryCount: number
  directoryAt: number
  directoryBytes: number
}

const END_BYTES = 22
const LOCATOR_BYTES = 20
const ZIP64_END_BYTES = 56
const END = 0x06054b50
const LOCATOR = 0x07064b50
const ZIP64_END = 0x06064b50

/** A project of 36 plates with its pictures and hundreds of objects has some hundred. */
const MAX_ENTRIES = 2_000
const MAX_DIRECTORY_BYTES = 1024 * 1024

/**
 * Reads the record at an archive's end. Readers of ZIP differ in where they look for it and whom of two records they
 * believe; here there is one place, and both records say the same: no comment, nothing behind the list of entries.
 * @throws GantryError `NOT_3MF`
 */
export const readArchiveEnd = async (source: ArchiveSource): Promise<ArchiveEnd> => {
  const tailBytes = Math.min(source.sizeBytes, END_BYTES + LOCATOR_BYTES + ZIP64_END_BYTES)
  const tail = await source.read(source.sizeBytes - tailBytes, tailBytes)
  if (tail.length < END_BYTES) throw refused('not_zip')
  const record = tail.subarray(tail.length - END_BYTES)
  if (record.readUInt32LE(0) !== END) throw refused('malformed', 'no record at the end of the archive')
  const before = tail.subarray(0, tail.length - END_BYTES)
  const hasZip64 = before.length >= LOCATOR_BYTES && before.readUInt32LE(before.length - LOCATOR_BYTES) === LOCATOR
  const zip64 = hasZip64 ? readZip64(before, source.sizeBytes) : null
  const end = agreed(record, zip64)
  const endsAt = source.sizeBytes - END_BYTES - (hasZip64 ? LOCATOR_BYTES + ZIP64_END_BYTES : 0)
  if (end.entryCount > MAX_ENTRIES || end.directoryBytes > MAX_DIRECTORY_BYTES) throw refused('too_many_entries')
  if (end.directoryAt + end.directoryBytes !== endsAt) throw refused('malformed', 'the list of entries ends elsewhere')
  return end
}

/** @param before what comes before the last record of the archive */
const readZip64 = (before: Buffer, sizeBytes: number): ArchiveEnd => {
  if (before.length < LOCATOR_BYTES + ZIP64_END_BYTES) throw refused('malformed', 'a locator of nothing')
  const record = before.subarray(0, ZIP64_END_BYTES)
  const locator = before.subarray(ZIP64_END_BYTES)
  const isSound =
    record.readUInt32LE(0) === ZIP64_END &&
    numberAt(record, 4) === ZIP64_END_BYTES - 12 &&
    numberAt(locator, 8) === sizeBytes - END_BYTES - LOCATOR_BYTES - ZIP64_END_BYTES &&
    record.readUInt32LE(16) === 0 &&
    record.readUInt32LE(20) === 0 &&
    numberAt(record, 24) === numberAt(record, 32)
  if (!isSound) throw refused('malformed', 'the ZIP64 record contradicts itself')
  return {
    entryCount: numberAt(record, 32),
    directoryBytes: numberAt(record, 40),
    directoryAt: numberAt(record, 48),
  }
}

/** What the short record says, unless it leaves a word to the long one. */
const agreed = (record: Buffer, zip64: ArchiveEnd | null): ArchiveEnd => {
  const short: ArchiveEnd = {
    entryCount: record.readUInt16LE(10),
    directoryBytes: record.readUInt32LE(12),
    directoryAt: record.readUInt32LE(16),
  }
  const hasOneDisk = record.readUInt32LE(4) === 0 && record.readUInt16LE(8) === short.entryCount
  if (!hasOneDisk || record.readUInt16LE(20) !== 0) throw refused('malformed', 'several disks, or a comment')
  if (zip64 === null) return short
  const isSame =
    isAgreed(short.entryCount, zip64.entryCount, 0xffff) &&
    isAgreed(short.directoryBytes, zip64.directoryBytes, 0xffffffff) &&
    isAgreed(short.directoryAt, zip64.directoryAt, 0xffffffff)
  if (!isSame) throw refused('malformed', 'the two records at the end differ')
  return zip64
}

const isAgreed = (short: number, long: number, leftToOther: number): boolean => short === leftToOther || short === long

/** Beyond what a number holds exactly it is no place in any file, and fails every comparison that follows. */
const numberAt = (bytes: Buffer, at: number): number => Number(bytes.readBigUInt64LE(at))
