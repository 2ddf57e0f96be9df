import type { FileFormat, JobRequirements, PrintFileMetadata } from '@gantry/schemas'

/** What the file itself asks of a printer. A tool that never extrudes needs no material. */
export const requirementsOf = (
  { format, metadata }: { format: FileFormat; metadata: PrintFileMetadata },
  printerGroupIds: string[],
): JobRequirements => ({
  materials: metadata.filaments
    .filter((use) => use.lengthMm === null || use.lengthMm > 0)
    .flatMap((use) => (use.material === null ? [] : [use.material])),
  nozzleDiameterMm: metadata.nozzleDiametersMm[0] ?? null,
  sizeMm: metadata.boundingBox?.sizeMm ?? null,
  printerModels: metadata.printerModel === null ? [] : [metadata.printerModel],
  printerGroupIds,
  fileFormat: format,
})
