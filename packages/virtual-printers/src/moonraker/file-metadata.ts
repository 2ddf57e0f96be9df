import { randomUUID } from 'node:crypto'

/** Slicers write what they know into the first and the last part of a file; nothing else is read. */
export const SCANNED_BYTES = 256 * 1024

type Metadata = Readonly<Record<string, unknown>>

/** What `server.files.metadata` says about a g-code file; fields that the slicer did not write are absent. */
export function parseFileMetadata(
  comments: string,
  file: { readonly size: number; readonly modified: number },
): Metadata {
  const fields: Record<string, unknown> = {
    size: file.size,
    modified: file.modified,
    uuid: randomUUID(),
    ...slicer(comments),
    estimated_time: estimatedSeconds(comments),
    filament_total: filamentMm(comments),
    filament_weight_total: number(comments, /^; (?:total )?filament used \[g\]\s*[:=]\s*([\d.]+)/m),
    filament_type: text(comments, /^; filament_type\s*=\s*([^;,\n]+)/m),
    filament_name: text(comments, /^; filament_settings_id\s*=\s*"?([^";\n]+)/m),
    nozzle_diameter: number(comments, /^; nozzle_diameter\s*=\s*([\d.]+)/m),
    layer_height: number(comments, /^;\s*(?:layer_height\s*=|Layer height:)\s*([\d.]+)/m),
    first_layer_height: number(comments, /^; (?:first_layer_height|initial_layer_print_height)\s*=\s*([\d.]+)/m),
    layer_count: number(comments, /^;\s*(?:total layers count\s*=|total layer number:|LAYER_COUNT:)\s*(\d+)/m),
    object_height: number(comments, /^;\s*(?:max_z_height:|MAXZ:)\s*([\d.]+)/m),
    first_layer_extr_temp: number(comments, /^(?:; first_layer_temperature\s*=\s*|M10[49] S)([\d.]+)/m),
    first_layer_bed_temp: number(comments, /^(?:; first_layer_bed_temperature\s*=\s*|M1[49]0 S)([\d.]+)/m),
  }
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null))
}

function slicer(comments: string): Metadata {
  const match = /^;\s*generated (?:by|with) (\S+?)(?:_SteamEngine)?[ /]([\w.+-]+)/im.exec(comments)
  return match ? { slicer: match[1], slicer_version: match[2] } : { slicer: 'Unknown' }
}

function estimatedSeconds(comments: string): number | null {
  const plain = number(comments, /^;TIME:([\d.]+)/m)
  if (plain !== null) return plain
  const written = text(comments, /(?:estimated printing time[^=\n]*=|total estimated time:)\s*([\ddhms ]+)/)
  if (written === null) return null
  const unitSeconds: Readonly<Record<string, number>> = { d: 86_400, h: 3_600, m: 60, s: 1 }
  return [...written.matchAll(/(\d+)\s*([dhms])/g)].reduce(
    (sum, [, amount = '0', unit = 's']) => sum + Number(amount) * (unitSeconds[unit] ?? 0),
    0,
  )
}

function filamentMm(comments: string): number | null {
  const metres = number(comments, /^;Filament used:\s*([\d.]+)m/m)
  return metres === null ? number(comments, /^; filament used \[mm\]\s*=\s*([\d.]+)/m) : metres * 1_000
}

function text(comments: string, pattern: RegExp): string | null {
  return pattern.exec(comments)?.[1]?.trim() ?? null
}

function number(comments: string, pattern: RegExp): number | null {
  const value = Number.parseFloat(text(comments, pattern) ?? '')
  return Number.isFinite(value) ? value : null
}
