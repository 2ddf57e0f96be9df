import { crc32, inflateRawSync } from 'node:zlib'

const LOCAL_HEAD_BYTES = 30
const DIRECTORY_HEAD_BYTES = 46

/** The files of a ZIP archive by name, as its directory tells them. @throws Error when a checksum or a size is wrong */
export const unzipped = (archive: Buffer): Record<string, string> => {
  const end = archive.length - 22
  if (archive.readUInt32LE(end) !== 0x0605_4b50) throw new Error('no end of a directory')
  const files: Record<string, string> = {}
  let at = archive.readUInt32LE(end + 16)
  for (let left = archive.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (archive.readUInt32LE(at) !== 0x0201_4b50) throw new Error('no entry of the directory')
    const [crc, packed, size] = [16, 20, 24].map((field) => archive.readUInt32LE(at + field)) as [
      number,
      number,
      number,
    ]
    const nameBytes = archive.readUInt16LE(at + 28)
    const offset = archive.readUInt32LE(at + 42)
    const name = archive.toString('utf8', at + DIRECTORY_HEAD_BYTES, at + DIRECTORY_HEAD_BYTES + nameBytes)
    if (archive.readUInt32LE(offset) !== 0x0403_4b50) throw new Error(`${name} is not where the directory says`)
    const begin = offset + LOCAL_HEAD_BYTES + archive.readUInt16LE(offset + 26)
    const content = inflateRawSync(archive.subarray(begin, begin + packed))
    if (content.length !== size || crc32(content) !== crc) throw new Error(`${name} is damaged`)
    files[name] = content.toString('utf8')
    at += DIRECTORY_HEAD_BYTES + nameBytes
  }
  return files
}
