/** Comments of the form `; key = value` or `;key:value` that carry metadata; every other comment is passed over. */
export const COMMENT_KEYS = [
  // PrusaSlicer and its forks (SuperSlicer, OrcaSlicer, Bambu Studio), totals
  'estimated printing time (normal mode)',
  'estimated printing time',
  'filament used [mm]',
  'filament used [g]',
  'total filament used [g]',
  // The same, configuration
  'layer_height',
  'first_layer_height',
  'nozzle_diameter',
  'printer_model',
  'filament_type',
  'filament_settings_id',
  'filament_colour',
  'filament_density',
  'filament_diameter',
  'temperature',
  'first_layer_temperature',
  'bed_temperature',
  'first_layer_bed_temperature',
  // OrcaSlicer and Bambu Studio
  'model printing time',
  'total estimated time',
  'total layer number',
  'total layers count',
  'total filament length [mm]',
  'total filament weight [g]',
  'max_z_height',
  'filament',
  'initial_layer_print_height',
  'nozzle_temperature',
  'nozzle_temperature_initial_layer',
  'curr_bed_type',
  'cool_plate_temp',
  'cool_plate_temp_initial_layer',
  'eng_plate_temp',
  'eng_plate_temp_initial_layer',
  'hot_plate_temp',
  'hot_plate_temp_initial_layer',
  'textured_plate_temp',
  'textured_plate_temp_initial_layer',
  'textured_cool_plate_temp',
  'textured_cool_plate_temp_initial_layer',
  'supertack_plate_temp',
  'supertack_plate_temp_initial_layer',
  // Cura
  'TIME',
  'TIME_ELAPSED',
  'Filament used',
  'Layer height',
  'LAYER_COUNT',
  'MINX',
  'MINY',
  'MINZ',
  'MAXX',
  'MAXY',
  'MAXZ',
  'TARGET_MACHINE.NAME',
  // Cura, written by the usual start code with placeholders
  'Nozzle diameter',
  'Filament type',
  'Filament name',
  'Filament weight',
  'Material type',
  'Material',
  // Cura's Griffin header (UltiMaker)
  'GENERATOR.NAME',
  'GENERATOR.VERSION',
  'PRINT.TIME',
  'BUILD_PLATE.INITIAL_TEMPERATURE',
  'EXTRUDER_TRAIN.0.INITIAL_TEMPERATURE',
  'EXTRUDER_TRAIN.0.NOZZLE.DIAMETER',
  'EXTRUDER_TRAIN.1.NOZZLE.DIAMETER',
] as const

/** Comments that mark where a layer begins, one per style. */
export const LAYER_MARKS = ['LAYER_CHANGE', 'CHANGE_LAYER', 'LAYER'] as const

export type CommentKey = (typeof COMMENT_KEYS)[number]
export type LayerMark = (typeof LAYER_MARKS)[number]

/** Longest key that is looked up. */
export const MAX_KEY_BYTES = 48

const HASH_SEED = 0x811c9dc5
const HASH_PRIME = 0x01000193

/** One step of FNV-1a, so that a key is hashed as its bytes are passed and a miss costs no string. */
export const hashStep = (hash: number, byte: number): number => Math.imul(hash ^ byte, HASH_PRIME)

export const emptyHash = HASH_SEED

const KNOWN: readonly (CommentKey | LayerMark)[] = [...COMMENT_KEYS, ...LAYER_MARKS]

/** Known keys by hash. */
export const KEY_BY_HASH: ReadonlyMap<number, CommentKey | LayerMark> = new Map(
  KNOWN.map((key) => [Buffer.from(key, 'latin1').reduce(hashStep, emptyHash), key]),
)
