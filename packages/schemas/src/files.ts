import { z } from 'zod'

import { idOf } from './ids.js'
import { printFileMetadataSchema } from './print-file-metadata.js'

/** What a file is: text that printers understand, or an archive of such texts with pictures and settings. */
export const fileFormat = z.enum(['gcode', '3mf'])
export type FileFormat = z.infer<typeof fileFormat>

/** One immutable content of a file. */
export const fileVersion = z.object({
  id: idOf('fileVersion'),
  number: z.int(),
  sha256: z.string(),
  sizeBytes: z.number(),
  format: fileFormat,
  metadata: printFileMetadataSchema,
  hasThumbnail: z.boolean(),
  createdAt: z.date(),
})
export type FileVersion = z.infer<typeof fileVersion>

/** A name in the library, with its newest content. */
export const printFile = z.object({
  id: idOf('file'),
  name: z.string(),
  latest: fileVersion,
  version: z.int(),
  createdAt: z.date(),
  updatedAt: z.date(),
})
export type PrintFile = z.infer<typeof printFile>

export const fileName = z
  .string()
  .trim()
  .min(1)
  .max(200)
  // eslint-disable-next-line no-control-regex -- control characters are what this refuses
  .regex(/^[^\u0000-\u001f\u007f/\\]+$/, 'must be a plain name without slashes or control characters')
  .regex(/\.(gcode|gco|g|3mf)$/i, 'must end in .gcode, .gco, .g or .3mf')
