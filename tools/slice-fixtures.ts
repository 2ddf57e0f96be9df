/**
 * Makes the sliced g-code fixtures again: writes small STL models, slices them with PrusaSlicer and CuraEngine, and puts
 * a thumbnail into the PrusaSlicer files, as its graphical interface does and its command line cannot.
 *
 *   npx tsx tools/slice-fixtures.ts <cura-resources-dir>
 *
 * Needs `prusa-slicer` and `CuraEngine` on the PATH. <cura-resources-dir> is `resources/` of Cura (on Debian
 * /usr/share/cura/resources from the package `cura`), which carries the machine definitions that the engine reads.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32, deflateSync } from 'node:zlib'

const FIXTURES = join(import.meta.dirname, '../apps/server/src/modules/files/fixtures')

type Point = readonly [x: number, y: number, z: number]
type Facet = readonly [Point, Point, Point]

/** A binary STL of the facets. */
function stl(facets: readonly Facet[]): Buffer {
  const bytes = Buffer.alloc(84 + facets.length * 50)
  bytes.writeUInt32LE(facets.length, 80)
  facets.forEach((facet, index) => {
    facet.flat().forEach((value, at) => bytes.writeFloatLE(value, 84 + index * 50 + 12 + at * 4))
  })
  return bytes
}

/** A solid of revolution around Z; the profile runs from the axis at the bottom to the axis at the top. */
function revolve(profile: readonly (readonly [radius: number, z: number])[], segments: number): Facet[] {
  const at = (ring: readonly [number, number], step: number): Point => {
    const angle = (2 * Math.PI * (step % segments)) / segments
    return [ring[0] * Math.cos(angle), ring[0] * Math.sin(angle), ring[1]]
  }
  const facets: Facet[] = []
  for (let row = 1; row < profile.length; row++) {
    const low = profile[row - 1] ?? [0, 0]
    const high = profile[row] ?? [0, 0]
    for (let step = 0; step < segments; step++) {
      if (low[0] > 0) facets.push([at(low, step), at(low, step + 1), at(high, step)])
      if (high[0] > 0) facets.push([at(low, step + 1), at(high, step + 1), at(high, step)])
    }
  }
  return facets
}

/** A cube standing on the bed: a revolved square, whose circumscribed radius is half the diagonal. */
function cube(sizeMm: number): Facet[] {
  const radius = (sizeMm * Math.SQRT2) / 2
  const turn = Math.PI / 4
  const upright = revolve(
    [
      [0, 0],
      [radius, 0],
      [radius, sizeMm],
      [0, sizeMm],
    ],
    4,
  )
  const rotate = ([x, y, z]: Point): Point => [
    x * Math.cos(turn) - y * Math.sin(turn),
    x * Math.sin(turn) + y * Math.cos(turn),
    z,
  ]
  return upright.map(([a, b, c]) => [rotate(a), rotate(b), rotate(c)])
}

/** A coin of 40 mm with a raised rim and a raised boss. */
const TOKEN = revolve(
  [
    [0, 0],
    [19.4, 0],
    [20, 0.6],
    [20, 3],
    [17, 3],
    [17, 2],
    [7, 2],
    [7, 3],
    [0, 3],
  ],
  64,
)
const CUBE = cube(20)

/** A picture of the token from above as an RGBA PNG. */
function png(width: number, height: number): Buffer {
  const rows = Buffer.alloc(height * (1 + width * 4))
  const unit = Math.min(width, height) / 2
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const radius = Math.hypot(x + 0.5 - width / 2, y + 0.5 - height / 2) / unit
      const shade = radius > 0.95 ? 0 : radius > 0.8 || radius < 0.33 ? 0xf0 : 0xa0
      const alpha = shade === 0 ? 0 : 255
      rows.set([shade, shade >> 1, 0x20, alpha], y * (1 + width * 4) + 1 + x * 4)
    }
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 6, 0, 0, 0], 8)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const framed = Buffer.alloc(body.length + 8)
  framed.writeUInt32BE(data.length, 0)
  body.copy(framed, 4)
  framed.writeUInt32BE(crc32(body), body.length + 4)
  return framed
}

/** PrusaSlicer's thumbnail block: declared base64 length, lines of 78 characters. */
function thumbnailBlock(width: number, height: number): string {
  const base64 = png(width, height).toString('base64')
  const lines = base64.match(/.{1,78}/g) ?? []
  const head = `;\n; thumbnail begin ${width}x${height} ${base64.length}\n`
  return `${head}${lines.map((line) => `; ${line}\n`).join('')}; thumbnail end\n;\n`
}

const PRUSA_SETTINGS = {
  gcode_flavor: 'marlin2',
  remaining_times: '1',
  printer_model: 'MK3S',
  bed_shape: '0x0,250x0,250x210,0x210',
  max_print_height: '210',
  use_relative_e_distances: '1',
  layer_gcode: ';AFTER_LAYER_CHANGE\\n;[layer_z]\\nG92 E0.0',
  start_gcode:
    'G90\\nM83\\nM104 S[first_layer_temperature]\\nM140 S[first_layer_bed_temperature]\\n' +
    'M190 S[first_layer_bed_temperature]\\nM109 S[first_layer_temperature]\\nG28\\n' +
    'G1 Y-3.0 F1000.0\\nG92 E0.0\\nG1 Z0.2 F720\\nG1 X60.0 E9.0 F1000.0\\nG1 X100.0 E12.5 F1000.0\\nG92 E0.0',
  end_gcode: 'G1 E-1 F2100\\nG91\\nG1 Z5 F720\\nG90\\nG1 X0 Y200 F3600\\nM104 S0\\nM140 S0\\nM107\\nM84',
  nozzle_diameter: '0.4',
  filament_type: 'PLA',
  filament_settings_id: 'Generic PLA',
  filament_colour: '#FF8000',
  filament_density: '1.24',
  filament_diameter: '1.75',
  filament_cost: '25.4',
  temperature: '210',
  first_layer_temperature: '215',
  bed_temperature: '60',
  first_layer_bed_temperature: '65',
  layer_height: '0.2',
  first_layer_height: '0.25',
  perimeters: '2',
  fill_density: '15%',
  skirts: '1',
  gcode_comments: '0',
  machine_max_acceleration_extruding: '1250,1250',
  perimeter_speed: '45',
  infill_speed: '80',
}

const TWO_TOOLS = {
  nozzle_diameter: '0.4,0.6',
  filament_type: 'PLA;PETG',
  filament_settings_id: '"Generic PLA";"Prusament PETG"',
  filament_colour: '#FF8000;#0000FF',
  filament_density: '1.24,1.27',
  filament_diameter: '1.75,1.75',
  temperature: '210,240',
  first_layer_temperature: '215,230',
  bed_temperature: '60,85',
  first_layer_bed_temperature: '65,85',
  extruder_offset: '0x0,0x0',
  retract_length: '2,2',
  perimeter_extruder: '1',
  infill_extruder: '2',
  solid_infill_extruder: '2',
}

function slicePrusa(workDir: string, model: Facet[], name: string, overrides: Record<string, string>): void {
  writeFileSync(join(workDir, 'model.stl'), stl(model))
  const settings = Object.entries({ ...PRUSA_SETTINGS, ...overrides })
  writeFileSync(join(workDir, 'config.ini'), settings.map(([key, value]) => `${key} = ${value}\n`).join(''))
  const out = join(workDir, 'out.gcode')
  const args = ['--load', join(workDir, 'config.ini'), '--center', '125,105', '-o', out]
  execFileSync('prusa-slicer', ['--export-gcode', ...args, join(workDir, 'model.stl')], { timeout: 120_000 })
  const [firstLine = '', ...rest] = readFileSync(out, 'utf8').split('\n')
  const thumbnails = thumbnailBlock(16, 16) + thumbnailBlock(220, 124)
  writeFileSync(join(FIXTURES, name), `${firstLine}\n\n${thumbnails}${rest.join('\n')}`)
}

const CURA_SETTINGS = {
  machine_name: 'Creality Ender-3',
  machine_width: 220,
  machine_depth: 220,
  machine_height: 250,
  machine_center_is_zero: false,
  machine_nozzle_size: 0.4,
  machine_gcode_flavor: 'RepRap (Marlin/Sprinter)',
  material_diameter: 1.75,
  layer_height: 0.28,
  layer_height_0: 0.3,
  wall_line_count: 2,
  infill_line_distance: 6,
  adhesion_type: 'skirt',
  material_print_temperature: 235,
  material_print_temperature_layer_0: 240,
  material_bed_temperature: 75,
  material_bed_temperature_layer_0: 80,
  retraction_enable: true,
  retraction_amount: 5,
  retraction_speed: 45,
  retraction_retract_speed: 45,
  retraction_prime_speed: 45,
  // CuraEngine's command line does not fill {placeholders} into the start code; Cura's interface does.
  machine_start_gcode:
    ';Nozzle diameter = 0.4\n;Filament type = PETG\n;Filament name = Generic PETG\n' +
    'G28\nG92 E0\nG1 Z2.0 F3000\nG1 X0.1 Y20 Z0.3 F5000.0\nG1 X0.1 Y200.0 Z0.3 F1500.0 E15\nG92 E0',
  machine_end_gcode: 'G91\nG1 E-2 F2700\nG1 Z10\nG90\nG1 X0 Y220\nM106 S0\nM104 S0\nM140 S0\nM84 X Y E',
}

/** The engine prints a placeholder header (";TIME:6666") and reports the true one afterwards; Cura's interface swaps them. */
function withTrueHeader(gcode: string, log: string): string {
  const header = /Gcode header after slicing:\s*([\s\S]*?;MAXZ:[^\n]*)/.exec(log)?.[1]
  if (header === undefined) throw new Error('CuraEngine reported no header')
  return gcode.replace(/^;FLAVOR:[\s\S]*?;MAXZ:[^\n]*/, header)
}

function sliceCura(workDir: string, resources: string, model: Facet[], name: string): void {
  writeFileSync(join(workDir, 'model.stl'), stl(model))
  const out = join(workDir, 'out.gcode')
  const definition = join(resources, 'definitions/creality_ender3.def.json')
  const settings = Object.entries(CURA_SETTINGS).flatMap(([key, value]) => ['-s', `${key}=${value}`])
  const args = ['slice', '-v', '-j', definition, '-o', out, ...settings, '-e0', ...settings]
  const log = join(workDir, 'cura.log')
  execFileSync('sh', ['-c', `exec CuraEngine "$@" >"${log}" 2>&1`, 'sh', ...args, '-l', join(workDir, 'model.stl')], {
    timeout: 120_000,
    env: {
      ...process.env,
      CURA_ENGINE_SEARCH_PATH: `${join(resources, 'definitions')}:${join(resources, 'extruders')}`,
    },
  })
  writeFileSync(join(FIXTURES, name), withTrueHeader(readFileSync(out, 'utf8'), readFileSync(log, 'utf8')))
}

function main(resources: string | undefined): void {
  if (resources === undefined) throw new Error('usage: npx tsx tools/slice-fixtures.ts <cura-resources-dir>')
  const workDir = mkdtempSync(join(tmpdir(), 'slice-fixtures-'))
  try {
    slicePrusa(workDir, TOKEN, 'demo-token.gcode', {})
    slicePrusa(workDir, CUBE, 'prusa-two-tools.gcode', TWO_TOOLS)
    sliceCura(workDir, resources, CUBE, 'cura-cube.gcode')
  } finally {
    rmSync(workDir, { recursive: true })
  }
}

main(process.argv[2])
