import type { PrintFileMetadata } from '@gantry/schemas'
import type { CommentKey } from './comment-keys.js'
import type { CommentReader } from './comment-reader.js'
import { readFilaments } from './filament-use.js'
import type { MotionTracker } from './motion-tracker.js'
import { readTemperatures } from './print-temperatures.js'
import type { TemperatureTracker } from './temperature-tracker.js'
import { cleanText, parseCoordinate, parseDurationSeconds, parseNumber, parseNumberList, roundTo } from './values.js'

/** What the scanner gathered from a file. */
export interface ScannedFile {
  comments: CommentReader
  motion: MotionTracker
  nozzle: TemperatureTracker
  bed: TemperatureTracker
  /** R of the first M73. */
  remainingMinutes: number | null
}

type BoundingBox = NonNullable<PrintFileMetadata['boundingBox']>
type Point = BoundingBox['minMm']

/** CuraEngine writes this time when it does not know; Cura's interface replaces it after slicing. */
const CURA_UNKNOWN_SECONDS = 6666
const MAX_LAYERS = 1_000_000
const MAX_LAYER_HEIGHT_MM = 10

export function buildMetadata(file: ScannedFile): PrintFileMetadata {
  const { comments } = file
  const boundingBox = readBoundingBox(file)
  const filaments = readFilaments(comments, file.motion.extrudedMm())
  const firstTool = Math.max(
    0,
    filaments.filaments.findIndex((use) => (use.lengthMm ?? 0) > 0),
  )
  const nozzleDiametersMm = readNozzles(comments)
  return {
    slicer: readSlicer(comments),
    estimatedPrintSeconds: readSeconds(comments, file.remainingMinutes),
    layerCount: readLayerCount(comments),
    layerHeightMm: readLayerHeight(comments),
    firstLayerHeightMm: readFirstLayerHeight(comments, nozzleDiametersMm[0] ?? null),
    objectHeightMm: firstNumber(comments, ['max_z_height']) ?? statedHeight(comments) ?? boundingBox?.maxMm.z ?? null,
    ...filaments,
    nozzleDiametersMm,
    printerModel: readPrinterModel(comments),
    ...readTemperatures(comments, file.nozzle, file.bed, firstTool),
    boundingBox,
    thumbnails: comments.thumbnails.list,
    plates: [],
  }
}

function firstNumber(comments: CommentReader, keys: readonly CommentKey[]): number | null {
  return keys.map((key) => parseNumber(comments.value(key))).find((value) => value !== null) ?? null
}

function readSlicer(comments: CommentReader): PrintFileMetadata['slicer'] {
  if (comments.slicer !== null) return comments.slicer
  const name = cleanText(comments.value('GENERATOR.NAME'))
  return name === null ? null : { name, version: cleanText(comments.value('GENERATOR.VERSION')) }
}

function readSeconds(comments: CommentReader, remainingMinutes: number | null): number | null {
  // `; model printing time: 18m 2s; total estimated time: 24m 12s` is one comment.
  const inHeader = /total estimated time:\s*([\d.dhms ]+)/.exec(comments.value('model printing time') ?? '')?.[1]
  const curaSeconds = parseDurationSeconds(comments.value('TIME'))
  const stated =
    parseDurationSeconds(comments.value('estimated printing time (normal mode)')) ??
    parseDurationSeconds(comments.value('estimated printing time')) ??
    parseDurationSeconds(comments.value('total estimated time')) ??
    parseDurationSeconds(inHeader?.trim() ?? null) ??
    (curaSeconds === CURA_UNKNOWN_SECONDS ? null : curaSeconds) ??
    parseDurationSeconds(comments.value('PRINT.TIME')) ??
    parseDurationSeconds(comments.value('TIME_ELAPSED'))
  return stated ?? (remainingMinutes === null ? null : parseDurationSeconds(String(remainingMinutes * 60)))
}

function readLayerCount(comments: CommentReader): number | null {
  const stated = firstNumber(comments, ['total layer number', 'total layers count'])
  const count = [comments.curaLayerCount, stated ?? 0, comments.layersBegun].find((layers) => layers > 0) ?? 0
  return count > 0 && count <= MAX_LAYERS && Number.isInteger(count) ? count : null
}

const asLayerHeight = (value: number | null): number | null =>
  value !== null && value > 0 && value <= MAX_LAYER_HEIGHT_MM ? roundTo(value, 4) : null

function readLayerHeight(comments: CommentReader): number | null {
  return asLayerHeight(firstNumber(comments, ['layer_height', 'Layer height']))
}

function readFirstLayerHeight(comments: CommentReader, nozzleMm: number | null): number | null {
  const percent = parseNumber(/^([\d.]+)%$/.exec(comments.value('first_layer_height') ?? '')?.[1])
  if (percent !== null) {
    // A percentage is of the nozzle in SuperSlicer and of the layer height in PrusaSlicer.
    const whole = comments.slicer?.name === 'SuperSlicer' ? nozzleMm : readLayerHeight(comments)
    return whole === null ? null : asLayerHeight((whole * percent) / 100)
  }
  return asLayerHeight(firstNumber(comments, ['first_layer_height', 'initial_layer_print_height', 'MINZ']))
}

const statedHeight = (comments: CommentReader): number | null => {
  const z = parseCoordinate(comments.value('MAXZ'))
  return z !== null && z > 0 ? z : null
}

function readNozzles(comments: CommentReader): number[] {
  const stated = comments.value('nozzle_diameter') ?? comments.value('Nozzle diameter')
  const griffin = [
    comments.value('EXTRUDER_TRAIN.0.NOZZLE.DIAMETER'),
    comments.value('EXTRUDER_TRAIN.1.NOZZLE.DIAMETER'),
  ]
  const list = stated === null ? griffin.map(parseNumber) : parseNumberList(stated)
  return list.flatMap((diameter) => (diameter !== null && diameter > 0 ? [diameter] : []))
}

function readPrinterModel(comments: CommentReader): string | null {
  const stated = cleanText(comments.value('printer_model')) ?? cleanText(comments.value('TARGET_MACHINE.NAME'))
  return stated ?? /definition\s*=\s*([\w-]{1,100})/.exec(comments.curaSettings)?.[1] ?? null
}

function readBoundingBox({ comments, motion }: ScannedFile): BoundingBox | null {
  const box = motion.boundingBox() ?? statedBox(comments)
  if (box === null) return null
  const sizeMm = { x: box.maxMm.x - box.minMm.x, y: box.maxMm.y - box.minMm.y, z: box.maxMm.z - box.minMm.z }
  return { minMm: roundPoint(box.minMm), maxMm: roundPoint(box.maxMm), sizeMm: roundPoint(sizeMm) }
}

/** Cura's own box; its placeholder (minimum above maximum) is none. */
function statedBox(comments: CommentReader): { minMm: Point; maxMm: Point } | null {
  const keys = ['MINX', 'MINY', 'MINZ', 'MAXX', 'MAXY', 'MAXZ'] as const
  const [minX, minY, minZ, maxX, maxY, maxZ] = keys.map((key) => parseCoordinate(comments.value(key)) ?? NaN)
  const minMm = { x: minX ?? NaN, y: minY ?? NaN, z: minZ ?? NaN }
  const maxMm = { x: maxX ?? NaN, y: maxY ?? NaN, z: maxZ ?? NaN }
  return minMm.x <= maxMm.x && minMm.y <= maxMm.y && minMm.z <= maxMm.z ? { minMm, maxMm } : null
}

const roundPoint = (point: Point): Point => ({
  x: roundTo(point.x, 3),
  y: roundTo(point.y, 3),
  z: roundTo(point.z, 3),
})
