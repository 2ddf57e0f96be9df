import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'

import { ZipFile } from 'yazl'

import { TINY_GCODE } from './tiny-gcode.js'

export const CONTENT_TYPES_XML = `<?xml version="1.0" encoding="UTF-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
 <Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
 <Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/>
 <Default Extension="png" ContentType="image/png"/>
 <Default Extension="gcode" ContentType="text/x.gcode"/>
</Types>`

const MODEL_XML = `<?xml version="1.0" encoding="UTF-8"?>
<model unit="millimeter" xml:lang="en-US" xmlns="http://schemas.microsoft.com/3dmanufacturing/core/2015/02">
 <metadata name="Application">BambuStudio-01.09.00.70</metadata>
 <resources></resources><build/>
</model>`

/** As Bambu Studio describes two sliced plates, the second of two colours. */
export const SLICE_INFO_XML = `<?xml version="1.0" encoding="UTF-8"?>
<config>
  <header>
    <header_item key="X-BBL-Client-Type" value="slicer"/>
    <header_item key="X-BBL-Client-Version" value="01.09.00.70"/>
  </header>
  <plate>
    <metadata key="index" value="1"/>
    <metadata key="printer_model_id" value="C12"/>
    <metadata key="nozzle_diameters" value="0.4"/>
    <metadata key="prediction" value="1534"/>
    <metadata key="weight" value="11.93"/>
    <metadata key="outside" value="false"/>
    <object identify_id="130" name="Cube &amp; co" skipped="false"/>
    <filament id="1" tray_info_idx="GFA00" type="PLA" color="#00AE42FF" used_m="3.93" used_g="11.93"/>
  </plate>
  <plate>
    <metadata key="index" value="2"/>
    <metadata key="prediction" value="60"/>
    <metadata key="weight" value="4.5"/>
    <filament id="1" type="PLA" color="#00AE42" used_m="1.00" used_g="3.00"/>
    <filament id="3" type="PETG" color="#FFFFFF" used_m="0.50" used_g="1.50"/>
  </plate>
</config>`

/** The head of a PNG of this size; no more of it is ever looked at. */
export const pngOf = (widthPx: number, heightPx: number, bytes = 200): Buffer => {
  const png = Buffer.alloc(bytes, 7)
  Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex').copy(png)
  png.writeUInt32BE(widthPx, 16)
  png.writeUInt32BE(heightPx, 20)
  return png
}

export type ArchiveFiles = Record<string, string | Buffer>

/** What a sliced 3MF of one plate holds; others are made of it. */
export const SLICED: Readonly<ArchiveFiles> = {
  '[Content_Types].xml': CONTENT_TYPES_XML,
  '_rels/.rels': '<?xml version="1.0" encoding="UTF-8"?><Relationships/>',
  '3D/3dmodel.model': MODEL_XML,
  'Metadata/plate_1.png': pngOf(512, 512),
  'Metadata/plate_1.gcode': TINY_GCODE,
  'Metadata/slice_info.config': SLICE_INFO_XML,
}

export const without = (files: Readonly<ArchiveFiles>, ...names: string[]): ArchiveFiles =>
  Object.fromEntries(Object.entries(files).filter(([name]) => !names.includes(name)))

interface ZipOptions {
  /** @default true */
  compress?: boolean
  forceZip64?: boolean
  /** Unix's mode of every file. */
  mode?: number
}

/** A ZIP of these files, in their order. */
export const zipOf = async (files: Readonly<ArchiveFiles>, options: ZipOptions = {}): Promise<Buffer> => {
  const { compress = true, forceZip64 = false, mode } = options
  const zip = new ZipFile()
  for (const [name, content] of Object.entries(files)) {
    if (name.endsWith('/')) zip.addEmptyDirectory(name)
    else
      zip.addBuffer(Buffer.from(content), name, {
        ...{ compress, forceZip64Format: forceZip64 },
        ...(mode === undefined ? {} : { mode }),
      })
  }
  zip.end({ forceZip64Format: forceZip64, comment: '' })
  return buffer(zip.outputStream)
}

/** The same, written as a stream: checksums and sizes come behind the data of each file. */
export const streamedZipOf = (files: Readonly<ArchiveFiles>): Promise<Buffer> => {
  const zip = new ZipFile()
  for (const [name, content] of Object.entries(files)) zip.addReadStream(Readable.from([Buffer.from(content)]), name)
  zip.end()
  return buffer(zip.outputStream)
}

/** Where the list of entries begins, and where each entry in it. */
export const directoryOf = (archive: Buffer): number[] => {
  const end = archive.length - 22
  const places: number[] = []
  const short = archive.readUInt32LE(end + 16)
  const from = short === 0xffffffff ? Number(archive.readBigUInt64LE(end - 28)) : short
  for (let at = from; at < end && archive.readUInt32LE(at) === 0x02014b50;) {
    places.push(at)
    at += 46 + archive.readUInt16LE(at + 28) + archive.readUInt16LE(at + 30) + archive.readUInt16LE(at + 32)
  }
  return places
}

/** A copy of the archive in which something else is written. */
export const forged = (archive: Buffer, forge: (bytes: Buffer) => void): Buffer => {
  const bytes = Buffer.from(archive)
  forge(bytes)
  return bytes
}
