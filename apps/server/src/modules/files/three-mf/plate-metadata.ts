import type { FilamentUse, PrintFileMetadata } from '@gantry/schemas'

import { roundTo } from '../gcode/values.js'
import type { PlateInfo } from './slice-info.js'

const UNUSED: FilamentUse = { lengthMm: 0, weightGrams: 0, material: null, name: null, color: null }

/** What a plate's own g-code says; where that is silent, what the slicer says of the plate. */
export const plateMetadata = (own: PrintFileMetadata, info: PlateInfo | undefined): PrintFileMetadata => {
  if (info === undefined) return own
  const filaments = mergedFilaments(own.filaments, info.filaments)
  return {
    ...own,
    estimatedPrintSeconds: own.estimatedPrintSeconds ?? info.estimatedPrintSeconds,
    filaments,
    filamentTotal: {
      lengthMm: own.filamentTotal.lengthMm ?? summed(filaments.map(({ lengthMm }) => lengthMm)),
      weightGrams: own.filamentTotal.weightGrams ?? info.weightGrams,
    },
    nozzleDiametersMm: own.nozzleDiametersMm.length > 0 ? own.nozzleDiametersMm : info.nozzleDiametersMm,
    printerModel: own.printerModel ?? info.printerModelId,
  }
}

/** Places are those of the project in both; g-code that names no filament at all leaves it to the slicer's list. */
const mergedFilaments = (own: FilamentUse[], listed: PlateInfo['filaments']): FilamentUse[] => {
  if (own.length === 0) return Array.from(listed, (use) => use ?? UNUSED)
  return own.map((use, place) => {
    const other = listed[place]
    if (other === undefined) return use
    return {
      lengthMm: use.lengthMm ?? other.lengthMm,
      weightGrams: use.weightGrams ?? other.weightGrams,
      material: use.material ?? other.material,
      name: use.name,
      color: use.color ?? other.color,
    }
  })
}

const summed = (lengths: (number | null)[]): number | null => {
  if (lengths.length === 0) return null
  const sum = lengths.reduce((a, b) => (a === null || b === null ? null : a + b))
  return sum === null ? null : roundTo(sum, 2)
}
