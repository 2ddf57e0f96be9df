import type { FilamentUse } from '@gantry/schemas'

import { readColor } from '../gcode/filament-use.js'
import { normaliseMaterial } from '../gcode/material-name.js'
import { cleanText, parseDurationSeconds, parseNumber, parseNumberList, roundTo } from '../gcode/values.js'
import { readXml } from './xml-reader.js'

/** Where Bambu Studio and OrcaSlicer describe the sliced plates. */
export const SLICE_INFO = 'Metadata/slice_info.config'

/** What the slicer says of one plate. */
export interface PlateInfo {
  estimatedPrintSeconds: number | null
  weightGrams: number | null
  nozzleDiametersMm: number[]
  /** The slicer's own code of the model, such as `C12`. */
  printerModelId: string | null
  /** By the place of the filament in the project, from 0; places that the plate does not use are empty. */
  filaments: (FilamentUse | undefined)[]
}

const MAX_PLATES = 64
const MAX_FILAMENTS = 64

type Attributes = Readonly<Record<string, string>>

/** @returns by the plate's number. @throws GantryError `NOT_3MF` */
export const readSliceInfo = async (content: AsyncIterable<Buffer>): Promise<Map<number, PlateInfo>> => {
  const plates = new Map<number, PlateInfo>()
  let said = new Map<string, string>()
  let filaments: PlateInfo['filaments'] = []
  await readXml(content, SLICE_INFO, {
    opened: (path, attributes) => {
      const [root, plate, part] = path
      if (root !== 'config' || plate !== 'plate' || path.length > 3) return
      if (part === undefined) {
        said = new Map()
        filaments = []
      }
      if (part === 'metadata') keep(said, attributes)
      if (part === 'filament') keepFilament(filaments, attributes)
    },
    closed: (path) => {
      const number = parseNumber(said.get('index'))
      if (path.join('/') !== 'config/plate' || number === null || plates.size === MAX_PLATES) return
      plates.set(number, plateOf(said, filaments))
    },
  })
  return plates
}

const KNOWN = new Set(['index', 'prediction', 'weight', 'nozzle_diameters', 'printer_model_id'])

const keep = (said: Map<string, string>, { key, value }: Attributes): void => {
  if (key !== undefined && value !== undefined && KNOWN.has(key)) said.set(key, value)
}

const keepFilament = (filaments: PlateInfo['filaments'], attributes: Attributes): void => {
  const place = parseNumber(attributes['id'])
  if (place === null || !Number.isInteger(place) || place < 1 || place > MAX_FILAMENTS) return
  const metres = parseNumber(attributes['used_m'])
  filaments[place - 1] = {
    lengthMm: metres === null ? null : roundTo(metres * 1000, 2),
    weightGrams: parseNumber(attributes['used_g']),
    material: normaliseMaterial(attributes['type'] ?? null),
    name: null,
    // With or without the opacity.
    color: readColor(attributes['color']?.slice(0, 7) ?? null),
  }
}

const plateOf = (said: Map<string, string>, filaments: PlateInfo['filaments']): PlateInfo => ({
  estimatedPrintSeconds: parseDurationSeconds(said.get('prediction') ?? null),
  weightGrams: parseNumber(said.get('weight')),
  nozzleDiametersMm: parseNumberList(said.get('nozzle_diameters') ?? null).flatMap((diameterMm) =>
    diameterMm !== null && diameterMm > 0 ? [diameterMm] : [],
  ),
  printerModelId: cleanText(said.get('printer_model_id') ?? null),
  filaments,
})
