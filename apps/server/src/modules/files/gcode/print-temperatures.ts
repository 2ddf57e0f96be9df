import type { PrintFileMetadata } from '@gantry/schemas'
import type { CommentKey } from './comment-keys.js'
import type { CommentReader } from './comment-reader.js'
import type { LayerTemperatures, TemperatureTracker } from './temperature-tracker.js'
import { parseNumberList } from './values.js'

const MAX_CELSIUS = 1000

/** OrcaSlicer keeps one bed temperature per kind of plate and names the plate in use. */
const PLATE_KEYS: Readonly<Record<string, readonly [first: CommentKey, others: CommentKey]>> = {
  'Cool Plate': ['cool_plate_temp_initial_layer', 'cool_plate_temp'],
  'Engineering Plate': ['eng_plate_temp_initial_layer', 'eng_plate_temp'],
  'High Temp Plate': ['hot_plate_temp_initial_layer', 'hot_plate_temp'],
  'Textured PEI Plate': ['textured_plate_temp_initial_layer', 'textured_plate_temp'],
  'Textured Cool Plate': ['textured_cool_plate_temp_initial_layer', 'textured_cool_plate_temp'],
  'Cool Plate (SuperTack)': ['supertack_plate_temp_initial_layer', 'supertack_plate_temp'],
  'Supertack Plate': ['supertack_plate_temp_initial_layer', 'supertack_plate_temp'],
}

/** Temperatures of one tool: configuration first, then what the file's commands ask for. */
export function readTemperatures(
  comments: CommentReader,
  nozzle: TemperatureTracker,
  bed: TemperatureTracker,
  tool: number,
): Pick<PrintFileMetadata, 'nozzleTemperatureCelsius' | 'bedTemperatureCelsius'> {
  const stated = (key: CommentKey): number | null => {
    const list = parseNumberList(comments.value(key))
    const value = list[tool] ?? list[0] ?? null
    return value !== null && value <= MAX_CELSIUS ? value : null
  }
  const firstKnown = (keys: readonly CommentKey[]): number | null =>
    keys.map(stated).find((celsius) => celsius !== null) ?? null
  const [plateFirst, plateOthers] = PLATE_KEYS[comments.value('curr_bed_type') ?? ''] ?? []
  const bedStated = {
    firstLayer: firstKnown([
      ...(plateFirst === undefined ? [] : [plateFirst]),
      'first_layer_bed_temperature',
      'BUILD_PLATE.INITIAL_TEMPERATURE',
    ]),
    otherLayers: firstKnown([...(plateOthers === undefined ? [] : [plateOthers]), 'bed_temperature']),
  }
  const nozzleStated = {
    firstLayer: firstKnown([
      'nozzle_temperature_initial_layer',
      'first_layer_temperature',
      'EXTRUDER_TRAIN.0.INITIAL_TEMPERATURE',
    ]),
    otherLayers: firstKnown(['nozzle_temperature', 'temperature']),
  }
  return {
    nozzleTemperatureCelsius: fill(nozzleStated, nozzle.read(tool)),
    bedTemperatureCelsius: fill(bedStated, bed.read(0)),
  }
}

const fill = (stated: LayerTemperatures, commanded: LayerTemperatures): LayerTemperatures => ({
  firstLayer: stated.firstLayer ?? commanded.firstLayer,
  otherLayers: stated.otherLayers ?? commanded.otherLayers,
})
