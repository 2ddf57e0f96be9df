import { z } from 'zod'

const lengthMm = z.number().nonnegative()
const temperatureCelsius = z.number().min(0).max(1000).nullable()

/** A point in the printer's coordinates, in millimetres. */
const pointMm = z.object({ x: z.number(), y: z.number(), z: z.number() })

/** What one tool of the file prints with. A tool that is set up but never extrudes has `lengthMm` 0. */
export const filamentUseSchema = z.object({
  lengthMm: lengthMm.nullable(),
  weightGrams: z.number().nonnegative().nullable(),
  /** Upper-case name of the kind of plastic, such as `PLA`, `PETG` or `PA-CF`. */
  material: z.string().nullable(),
  /** The slicer's name of the filament profile. */
  name: z.string().nullable(),
  /** `#RRGGBB` in upper case. */
  color: z
    .string()
    .regex(/^#[0-9A-F]{6}$/)
    .nullable(),
})

/** Temperatures of the first tool that prints; a file that never changes them has the same value twice. */
const layerTemperaturesSchema = z.object({ firstLayer: temperatureCelsius, otherLayers: temperatureCelsius })

export const printFileThumbnailSchema = z.object({
  widthPx: z.int().positive(),
  heightPx: z.int().positive(),
  format: z.enum(['png', 'jpg', 'qoi']),
  sizeBytes: z.int().positive(),
})

const filamentTotalSchema = z.object({
  lengthMm: lengthMm.nullable(),
  weightGrams: z.number().nonnegative().nullable(),
})

/** One bed full of a 3MF. */
const printFilePlateSchema = z.object({
  /** As the slicer counts, from 1. */
  number: z.int().positive(),
  estimatedPrintSeconds: z.number().nonnegative().nullable(),
  filamentTotal: filamentTotalSchema,
})

/** What a print file says about itself, read once when it is uploaded. Unknown is null. */
export const printFileMetadataSchema = z.object({
  slicer: z.object({ name: z.string(), version: z.string().nullable() }).nullable(),
  estimatedPrintSeconds: z.number().nonnegative().nullable(),
  layerCount: z.int().positive().nullable(),
  layerHeightMm: lengthMm.nullable(),
  firstLayerHeightMm: lengthMm.nullable(),
  objectHeightMm: lengthMm.nullable(),
  /** One entry per tool, in tool order. */
  filaments: z.array(filamentUseSchema),
  filamentTotal: filamentTotalSchema,
  /** One entry per nozzle of the printer that the file was sliced for. */
  nozzleDiametersMm: z.array(z.number().positive()),
  printerModel: z.string().nullable(),
  nozzleTemperatureCelsius: layerTemperaturesSchema,
  bedTemperatureCelsius: layerTemperaturesSchema,
  /** Where the nozzle extrudes while it moves, the purge line included. */
  boundingBox: z.object({ minMm: pointMm, maxMm: pointMm, sizeMm: pointMm }).nullable(),
  thumbnails: z.array(printFileThumbnailSchema),
  /**
   * The plates of a 3MF that are sliced, lowest number first; everything else here is the first one's. Empty for files
   * that know no plates, as for all that were read before there were any.
   */
  plates: z.array(printFilePlateSchema).default([]),
})

export type FilamentUse = z.infer<typeof filamentUseSchema>
export type PrintFileThumbnail = z.infer<typeof printFileThumbnailSchema>
export type PrintFileMetadata = z.infer<typeof printFileMetadataSchema>
