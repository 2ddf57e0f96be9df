import { fromRandomAccessReaderPromise, getFileNameLowLevel, validateFileName, type Entry, type ZipFile } from 'yauzl'

import { readArchiveEnd, type ArchiveEnd } from './archive-end.js'
import { ArchiveReader, type ArchiveSource } from './archive-source.js'
import { checkLocalHeader } from './local-header.js'
import { refused } from './refusal.js'

/** One file in the archive, as the list of entries and its own header say alike. */
export interface ArchiveEntry {
  name: string
  isDeflated: boolean
  crc32: number
  dataAt: number
  compressedBytes: number
  sizeBytes: number
}

const MAX_NAME_BYTES = 512
/** The g-code of a plate that prints for weeks has some hundred MB. */
const MAX_ENTRY_BYTES = 1024 ** 3
const MAX_TOTAL_BYTES = 4 * 1024 ** 3
/** G-code and XML are compressed to a tenth or so; nothing that a slicer writes comes near this. */
const MAX_RATIO = 100
/** Below this a ratio says nothing: a few hundred blanks have any. */
const RATIO_FROM_BYTES = 1024 * 1024
const TOTAL_RATIO_FROM_BYTES = 16 * 1024 * 1024

const STORED = 0
const DEFLATED = 8
/** Encrypted, its header encrypted, or by the strong kind. */
const ENCRYPTED_FLAGS = 0x0001 | 0x0040 | 0x2000
/** The kind of file in Unix's mode: a file, a folder, or nothing said. A link, a device or a pipe is none of these. */
const PLAIN_KINDS = new Set([0, 0o100000, 0o040000])
// eslint-disable-next-line no-control-regex -- control characters are what this finds
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f]/

/**
 * Lists an archive's files. Nothing is unpacked yet, and what the archive says is checked against itself: names, sizes,
 * places. Folders are left out.
 * @throws GantryError `NOT_3MF`
 */
export const readArchiveDirectory = async (source: ArchiveSource): Promise<ArchiveEntry[]> => {
  const end = await readArchiveEnd(source)
  const reader = new ArchiveReader(source)
  try {
    const zip = await fromRandomAccessReaderPromise(reader, source.sizeBytes, {
      // Names are looked at here, so that a refusal tells what was wrong with one.
      ...{ decodeStrings: false, strictFileNames: true, validateEntrySizes: true, autoClose: false },
    })
    const listed = await listedEntries(zip, end)
    return await locatedEntries(zip, listed, end.directoryAt)
  } catch (error) {
    throw reader.failure ?? asRefusal(error)
  }
}

interface ListedEntry {
  entry: Entry
  name: string
}

const listedEntries = async (zip: ZipFile, end: ArchiveEnd): Promise<ListedEntry[]> => {
  const listed: ListedEntry[] = []
  const names = new Set<string>()
  let directoryBytes = 0
  let totalBytes = 0
  for await (const entry of zip.eachEntry()) {
    const name = nameOf(entry)
    // Part names that differ in case alone are one name (Open Packaging Conventions), and one file on many printers.
    const key = name.toLowerCase()
    if (names.has(key)) throw refused('duplicate_name', name)
    names.add(key)
    checkEntry(entry, name)
    directoryBytes += 46 + entry.fileNameLength + entry.extraFieldLength + entry.fileCommentLength
    totalBytes += entry.uncompressedSize
    listed.push({ entry, name })
  }
  if (directoryBytes !== end.directoryBytes || listed.length !== end.entryCount)
    throw refused('malformed', 'the list of entries is not as long as it is said to be')
  if (totalBytes > MAX_TOTAL_BYTES) throw refused('too_large')
  if (totalBytes > TOTAL_RATIO_FROM_BYTES && totalBytes > MAX_RATIO * zip.fileSize) throw refused('compression_ratio')
  return listed
}

const nameOf = (entry: Entry): string => {
  if (entry.fileNameLength > MAX_NAME_BYTES) throw refused('unsafe_name', 'longer than any slicer writes')
  const name = getFileNameLowLevel(entry.generalPurposeBitFlag, entry.fileNameRaw, entry.extraFields, true)
  const fault = validateFileName(name)
  const parts = name.replace(/\/$/, '').split('/')
  const isPlain = parts.every((part) => part !== '' && part !== '.') && !CONTROL_CHARACTERS.test(name)
  if (fault !== null || !isPlain) throw refused('unsafe_name', JSON.stringify(name))
  return name
}

const checkEntry = (entry: Entry, name: string): void => {
  const { compressionMethod, compressedSize, uncompressedSize, externalFileAttributes } = entry
  if ((entry.generalPurposeBitFlag & ENCRYPTED_FLAGS) !== 0) throw refused('encrypted', name)
  if (compressionMethod !== STORED && compressionMethod !== DEFLATED)
    throw refused('unsupported_entry', `${name}: compression method ${compressionMethod}`)
  const kind = (externalFileAttributes >>> 16) & 0o170000
  if (!PLAIN_KINDS.has(kind)) throw refused('unsupported_entry', `${name}: neither a file nor a folder`)
  if (name.endsWith('/') && uncompressedSize !== 0) throw refused('malformed', `${name}: a folder with content`)
  if (uncompressedSize > MAX_ENTRY_BYTES) throw refused('too_large', name)
  if (uncompressedSize > RATIO_FROM_BYTES && uncompressedSize > MAX_RATIO * compressedSize)
    throw refused('compression_ratio', name)
}

/** Looks at each file's own header, and that no byte of the archive belongs to two files. */
const locatedEntries = async (zip: ZipFile, listed: ListedEntry[], directoryAt: number): Promise<ArchiveEntry[]> => {
  const byPlace = listed.toSorted((a, b) => a.entry.relativeOffsetOfLocalHeader - b.entry.relativeOffsetOfLocalHeader)
  const located: ArchiveEntry[] = []
  let freeFrom = 0
  for (const { entry, name } of byPlace) {
    if (entry.relativeOffsetOfLocalHeader < freeFrom) throw refused('overlap', name)
    const header = await zip.readLocalFileHeaderPromise(entry)
    checkLocalHeader(entry, header, name)
    const { fileDataStart: dataAt } = header
    const { compressedSize: compressedBytes, uncompressedSize: sizeBytes, crc32 } = entry
    freeFrom = dataAt + compressedBytes
    if (freeFrom > directoryAt) throw refused('overlap', name)
    if (name.endsWith('/')) continue
    const isDeflated = entry.compressionMethod === DEFLATED
    located.push({ name, isDeflated, crc32, dataAt, compressedBytes, sizeBytes })
  }
  return located
}

/** What the library threw is the archive's fault. */
const asRefusal = (error: unknown): unknown =>
  error instanceof Error && error.name !== 'GantryError' ? refused('malformed', error.message, error) : error
