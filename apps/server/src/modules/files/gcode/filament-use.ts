import type { FilamentUse, PrintFileMetadata } from '@gantry/schemas'
import type { CommentReader } from './comment-reader.js'
import { materialInIdentifier, normaliseMaterial } from './material-name.js'
import { cleanText, parseNumber, parseNumberList, parseTextList, roundTo } from './values.js'

type Column = (number | null)[]

const CURA_MATERIAL = /material(?:_type)?\s*=\s*([\w -]{1,60})/
const METRES = /^(\d{1,7}(?:\.\d{1,9})?)m$/

/** Filament per tool and in total, from the comments, or from the moves where those are silent. */
export function readFilaments(
  comments: CommentReader,
  extrudedMm: number[] | null,
): Pick<PrintFileMetadata, 'filaments' | 'filamentTotal'> {
  const materials = readMaterials(comments)
  const tools = toolsOfColumn(comments, extrudedMm, materials.length)
  const lengths = spread(readLengths(comments, extrudedMm), tools)
  const weights = spread(readWeights(comments), tools)
  const names = parseTextList(comments.value('filament_settings_id') ?? comments.value('Filament name'))
  const colors = parseTextList(comments.value('filament_colour')).map(readColor)
  const densities = parseNumberList(comments.value('filament_density'))
  const diameters = parseNumberList(comments.value('filament_diameter'))
  const count = Math.max(lengths.length, weights.length, materials.length)
  const filaments = Array.from({ length: count }, (_, tool): FilamentUse => {
    const lengthMm = lengths[tool] ?? (lengths.length > 0 ? 0 : null)
    const weighed = weights[tool] ?? (weights.length > 0 && lengthMm === 0 ? 0 : null)
    const weightGrams = isMissing(weighed, lengthMm)
      ? weightOf(lengthMm, densities[tool] ?? null, diameters[tool] ?? null)
      : weighed
    const profile = { material: materials[tool] ?? null, name: names[tool] ?? null, color: colors[tool] ?? null }
    return { lengthMm, weightGrams, ...profile }
  })
  return { filaments, filamentTotal: total(filaments, comments) }
}

/** A profile without density makes slicers write a weight of 0 beside a true length. */
const isMissing = (weightGrams: number | null, lengthMm: number | null): boolean =>
  weightGrams === null || (weightGrams === 0 && lengthMm !== 0)

function weightOf(lengthMm: number | null, density: number | null, diameterMm: number | null): number | null {
  if (lengthMm === 0) return 0
  if (lengthMm === null || density === null || diameterMm === null || density * diameterMm === 0) return null
  const volumeMm3 = lengthMm * Math.PI * (diameterMm / 2) ** 2
  return roundTo((volumeMm3 / 1000) * density, 2)
}

function total(filaments: FilamentUse[], comments: CommentReader): PrintFileMetadata['filamentTotal'] {
  const sum = (values: Column): number | null =>
    values.length === 0 ? null : values.reduce((a, b) => (a === null || b === null ? null : a + b))
  const lengthMm = sum(filaments.map((use) => use.lengthMm))
  const stated = parseNumber(comments.value('total filament used [g]'))
  const weightGrams = stated !== null && stated > 0 ? stated : sum(filaments.map((use) => use.weightGrams))
  return {
    lengthMm: lengthMm === null ? null : roundTo(lengthMm, 2),
    weightGrams: weightGrams === null ? null : roundTo(weightGrams, 2),
  }
}

function readMaterials(comments: CommentReader): (string | null)[] {
  const stated =
    comments.value('filament_type') ??
    comments.value('Filament type') ??
    comments.value('Material type') ??
    comments.value('Material')
  if (stated !== null) return parseTextList(stated).map(normaliseMaterial)
  const inSettings = CURA_MATERIAL.exec(comments.curaSettings)?.[1]
  const material = inSettings === undefined ? null : materialInIdentifier(inSettings)
  return material === null ? [] : [material]
}

export const readColor = (text: string | null): string | null => {
  const color = text?.toUpperCase()
  return color !== undefined && /^#[0-9A-F]{6}$/.test(color) ? color : null
}

const someUsed = (column: Column): boolean => column.some((value) => value !== null && value > 0)

function readLengths(comments: CommentReader, extrudedMm: number[] | null): Column {
  const columns = [
    parseNumberList(comments.value('filament used [mm]')),
    parseNumberList(comments.value('total filament length [mm]')),
    (comments.value('Filament used')?.split(/,\s*/, 64) ?? []).map(metresToMm),
  ]
  const stated = columns.find(someUsed)
  if (stated !== undefined) return stated
  // The moves tell the tool themselves, so no list of used tools applies; a used tool's place is already right.
  return (extrudedMm ?? []).map((lengthMm) => roundTo(lengthMm, 2))
}

function readWeights(comments: CommentReader): Column {
  const columns = [
    parseNumberList(comments.value('filament used [g]')),
    parseNumberList(comments.value('total filament weight [g]')),
    parseNumberList(cleanText(comments.value('Filament weight')?.replace(/[[\]g\s]/g, '') ?? null)),
  ]
  return columns.find(someUsed) ?? []
}

function metresToMm(text: string): number | null {
  const metres = parseNumber(METRES.exec(text.trim())?.[1])
  return metres === null ? null : roundTo(metres * 1000, 2)
}

/**
 * OrcaSlicer and Bambu Studio list totals of the used tools only, beside a configuration of all tools. Which tools these
 * are is in their header (`; filament: 1,3`), or else in the moves. Null where the totals list every tool.
 */
function toolsOfColumn(comments: CommentReader, extrudedMm: number[] | null, configured: number): number[] | null {
  const listed = parseNumberList(comments.value('filament')).flatMap((tool) => (tool === null ? [] : [tool - 1]))
  const moved = (extrudedMm ?? []).flatMap((lengthMm, tool) => (lengthMm > 0 ? [tool] : []))
  const valid = [listed, moved].filter((tools) => tools.length > 0 && tools.every((tool) => tool >= 0 && tool < 64))
  return valid.find((tools) => tools.length < configured) ?? null
}

/** Moves the values of used tools to those tools' places. */
function spread(column: Column, tools: number[] | null): Column {
  if (tools?.length !== column.length) return column
  const places: Column = []
  tools.forEach((tool, index) => (places[tool] = column[index] ?? null))
  return Array.from(places, (value) => value ?? 0)
}
