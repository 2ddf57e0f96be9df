import { printFileMetadataSchema, type PrintFileMetadata } from '@gantry/schemas'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { GcodeScanner, type GcodeScan } from './gcode-scanner.js'

const fixture = (name: string): Buffer => readFileSync(join(import.meta.dirname, '../fixtures', name))

function scan(content: Buffer | string, chunkBytes = 65_536): GcodeScan {
  const bytes = Buffer.from(content)
  const scanner = new GcodeScanner()
  for (let at = 0; at < bytes.length; at += chunkBytes) scanner.push(bytes.subarray(at, at + chunkBytes))
  return scanner.finish()
}

function metadataOf(content: Buffer | string): PrintFileMetadata {
  const result = scan(content)
  if (!result.isGcode) throw new Error(`refused: ${result.reason}`)
  return printFileMetadataSchema.parse(result.metadata)
}

const PRUSA_THUMBNAILS = [
  { widthPx: 16, heightPx: 16, format: 'png', sizeBytes: 150 },
  { widthPx: 220, heightPx: 124, format: 'png', sizeBytes: 1161 },
]

describe('GcodeScanner on sliced files', () => {
  it('reads a PrusaSlicer file', () => {
    expect(metadataOf(fixture('demo-token.gcode'))).toEqual({
      slicer: { name: 'PrusaSlicer', version: '2.5.0' },
      estimatedPrintSeconds: 19 * 60,
      layerCount: 15,
      layerHeightMm: 0.2,
      firstLayerHeightMm: 0.25,
      plates: [],
      objectHeightMm: 3.05,
      filaments: [{ lengthMm: 963.6, weightGrams: 2.87, material: 'PLA', name: 'Generic PLA', color: '#FF8000' }],
      filamentTotal: { lengthMm: 963.6, weightGrams: 2.87 },
      nozzleDiametersMm: [0.4],
      printerModel: 'MK3S',
      nozzleTemperatureCelsius: { firstLayer: 215, otherLayers: 210 },
      bedTemperatureCelsius: { firstLayer: 65, otherLayers: 60 },
      boundingBox: {
        minMm: { x: 60, y: -3, z: 0.2 },
        maxMm: { x: 150.964, y: 130.964, z: 3.05 },
        sizeMm: { x: 90.964, y: 133.964, z: 2.85 },
      },
      thumbnails: PRUSA_THUMBNAILS,
    })
  })

  it('reads a PrusaSlicer file for two tools', () => {
    const metadata = metadataOf(fixture('prusa-two-tools.gcode'))
    expect(metadata).toMatchObject({
      estimatedPrintSeconds: 979,
      layerCount: 100,
      plates: [],
      objectHeightMm: 20.05,
      filaments: [
        { lengthMm: 525.43, weightGrams: 1.57, material: 'PLA', name: 'Generic PLA', color: '#FF8000' },
        { lengthMm: 733.88, weightGrams: 2.24, material: 'PETG', name: 'Prusament PETG', color: '#0000FF' },
      ],
      filamentTotal: { lengthMm: 1259.31, weightGrams: 3.81 },
      nozzleDiametersMm: [0.4, 0.6],
    })
  })

  it('reads a Cura file, temperatures from its commands', () => {
    expect(metadataOf(fixture('cura-cube.gcode'))).toEqual({
      slicer: { name: 'Cura_SteamEngine', version: '4.13.0' },
      estimatedPrintSeconds: 898,
      layerCount: 71,
      layerHeightMm: 0.28,
      firstLayerHeightMm: 0.3,
      plates: [],
      objectHeightMm: 19.9,
      filaments: [{ lengthMm: 1393.25, weightGrams: null, material: 'PETG', name: 'Generic PETG', color: null }],
      filamentTotal: { lengthMm: 1393.25, weightGrams: null },
      nozzleDiametersMm: [0.4],
      printerModel: null,
      nozzleTemperatureCelsius: { firstLayer: 240, otherLayers: 235 },
      bedTemperatureCelsius: { firstLayer: 80, otherLayers: 75 },
      boundingBox: {
        minMm: { x: 0.1, y: 20, z: 0.3 },
        maxMm: { x: 124, y: 200, z: 19.9 },
        sizeMm: { x: 123.9, y: 180, z: 19.6 },
      },
      thumbnails: [],
    })
  })

  it('puts the totals of an OrcaSlicer file to the tools that are used', () => {
    const metadata = metadataOf(fixture('orca-three-filaments.gcode'))
    expect(metadata).toMatchObject({
      slicer: { name: 'OrcaSlicer', version: '2.1.1' },
      estimatedPrintSeconds: 5052,
      layerCount: 5,
      firstLayerHeightMm: 0.2,
      plates: [],
      objectHeightMm: 1,
      filaments: [
        { lengthMm: 12.4, weightGrams: 0.37, material: 'PLA' },
        { lengthMm: 0, weightGrams: 0, material: 'PETG' },
        { lengthMm: 3.6, weightGrams: 0.11, material: 'ABS', name: 'Generic ABS; black', color: '#00AE42' },
      ],
      filamentTotal: { lengthMm: 16, weightGrams: 0.48 },
      printerModel: 'Voron 2.4 350',
      nozzleTemperatureCelsius: { firstLayer: 220, otherLayers: 215 },
      bedTemperatureCelsius: { firstLayer: 65, otherLayers: 60 },
      thumbnails: [{ widthPx: 1, heightPx: 1, format: 'png', sizeBytes: 70 }],
    })
  })

  it('reads a SuperSlicer file with CRLF, a first layer in percent and no weight', () => {
    expect(metadataOf(fixture('superslicer-asa.gcode'))).toMatchObject({
      slicer: { name: 'SuperSlicer', version: '2.5.59' },
      estimatedPrintSeconds: 86_400 + 2 * 3600 + 3 * 60 + 4,
      layerCount: 4,
      firstLayerHeightMm: 0.3,
      plates: [],
      objectHeightMm: 1.2,
      // 12.8 mm of 1.75 mm ASA at 1.07 g/cm³
      filaments: [{ lengthMm: 12.8, weightGrams: 0.03, material: 'ASA', color: '#29B2B2' }],
      nozzleDiametersMm: [0.6],
      printerModel: null,
      boundingBox: { minMm: { x: 50, y: 60, z: 0.3 }, maxMm: { x: 75, y: 85, z: 1.2 } },
    })
  })

  it.each(['demo-token', 'cura-cube', 'orca-three-filaments', 'superslicer-asa'])(
    'reads the same from %s however the bytes are cut',
    (name) => {
      const content = fixture(`${name}.gcode`)
      const whole = scan(content, content.length)
      for (const chunkBytes of [1, 7, 997, 16_384]) expect(scan(content, chunkBytes)).toEqual(whole)
    },
  )

  it('extracts the largest picture', () => {
    const result = scan(fixture('demo-token.gcode'))
    if (!result.isGcode) throw new Error(result.reason)
    expect(result.thumbnail).toMatchObject({ widthPx: 220, heightPx: 124, format: 'png', sizeBytes: 1161 })
    expect(result.thumbnail?.bytes.readUInt32BE(16)).toBe(220)
  })
})

describe('GcodeScanner on comments', () => {
  const MOVES = 'G28\nG1 X1 Y1 Z0.2 E1\n'

  it('reads the Griffin header of an UltiMaker', () => {
    const header =
      ';START_OF_HEADER\n;GENERATOR.NAME:Cura_SteamEngine\n;GENERATOR.VERSION:5.2.1\n;TARGET_MACHINE.NAME:Ultimaker S5\n' +
      ';EXTRUDER_TRAIN.0.INITIAL_TEMPERATURE:205\n;EXTRUDER_TRAIN.0.NOZZLE.DIAMETER:0.4\n' +
      ';BUILD_PLATE.INITIAL_TEMPERATURE:60\n;PRINT.TIME:5123\n;END_OF_HEADER\n'
    expect(metadataOf(header + MOVES)).toMatchObject({
      slicer: { name: 'Cura_SteamEngine', version: '5.2.1' },
      printerModel: 'Ultimaker S5',
      estimatedPrintSeconds: 5123,
      nozzleDiametersMm: [0.4],
      nozzleTemperatureCelsius: { firstLayer: 205 },
      bedTemperatureCelsius: { firstLayer: 60 },
    })
  })

  it('reads the elapsed time and measures the filament when Cura left its placeholders', () => {
    const header = ';FLAVOR:Marlin\n;TIME:6666\n;Filament used: 0m\n;MINX:2.14748e+06\n;MAXX:-2.14748e+06\n'
    expect(metadataOf(`${header}${MOVES};TIME_ELAPSED:77.5\n`)).toMatchObject({
      estimatedPrintSeconds: 77.5,
      filaments: [{ lengthMm: 1 }],
    })
  })

  it('finds the material and the machine in the settings at the end of a Cura file', () => {
    const settings =
      ';SETTING_3 {"global_quality": "[general]\\\\nversion = 4\\\\ndefinition = creality_ender\n' +
      ';SETTING_3 3\\\\n", "extruder_quality": ["[metadata]\\\\nmaterial = generic_petg_175\\\\n"]}\n'
    expect(metadataOf(MOVES + settings)).toMatchObject({
      printerModel: 'creality_ender3',
      filaments: [{ material: 'PETG' }],
    })
  })

  it('takes the remaining time of the first M73 when nothing else tells', () => {
    expect(metadataOf(`M73 P0 R12\n${MOVES}M73 P50 R6\n`).estimatedPrintSeconds).toBe(720)
  })

  it('adds the layers of objects that Cura prints one after another', () => {
    expect(metadataOf(`;LAYER_COUNT:10\n;LAYER:0\n${MOVES};LAYER_COUNT:7\n;LAYER:0\n`).layerCount).toBe(17)
  })

  it('knows nothing of a file without comments but what its commands tell', () => {
    expect(metadataOf('M104 S200\nM140 S50\nG28\nG1 X10 Y10 Z0.3\nG1 X20 E5\nM104 S0\n')).toEqual({
      slicer: null,
      estimatedPrintSeconds: null,
      layerCount: null,
      layerHeightMm: null,
      firstLayerHeightMm: null,
      plates: [],
      objectHeightMm: 0.3,
      filaments: [{ lengthMm: 5, weightGrams: null, material: null, name: null, color: null }],
      filamentTotal: { lengthMm: 5, weightGrams: null },
      nozzleDiametersMm: [],
      printerModel: null,
      nozzleTemperatureCelsius: { firstLayer: 200, otherLayers: 200 },
      bedTemperatureCelsius: { firstLayer: 50, otherLayers: 50 },
      boundingBox: {
        minMm: { x: 10, y: 10, z: 0.3 },
        maxMm: { x: 20, y: 10, z: 0.3 },
        sizeMm: { x: 10, y: 0, z: 0 },
      },
      thumbnails: [],
    })
  })

  it('drops a picture that is not what it says, is cut off, or is too large', () => {
    const wrong = '; thumbnail begin 9x9 8\n; AAAAAAAA\n; thumbnail end\n'
    const large = `; thumbnail begin 9x9 9\n${`; ${'iVBORw0KGgo'.repeat(20)}\n`.repeat(10_000)}; thumbnail end\n`
    const open = '; thumbnail begin 9x9 9\n; iVBORw0KGgo=\n'
    expect(metadataOf(wrong + large + MOVES + open).thumbnails).toEqual([])
  })
})

describe('GcodeScanner on files that are no g-code', () => {
  const refusals: [name: string, content: Buffer | string, reason: string][] = [
    ['an empty file', '', 'empty'],
    ['a zip archive', Buffer.from('504b030414000600080000002100', 'hex'), 'binary'],
    ['binary g-code', Buffer.from('47434445010000000100', 'hex'), 'binary'],
    ['a binary STL', Buffer.concat([Buffer.from('solid x'.padEnd(80)), Buffer.alloc(54)]), 'binary'],
    ['text in UTF-16', Buffer.from('G1 X1 Y1\n', 'utf16le'), 'binary'],
    ['a text STL', 'solid cube\n facet normal 0 0 1\n  outer loop\n   vertex 0 0 0\n', 'no_commands'],
    ['HTML', '<!doctype html>\n<html><body>G1 X1</body></html>\n', 'no_commands'],
    ['JSON', '{\n  "G1": "X1",\n  "M104": 200\n}\n', 'no_commands'],
    ['comments alone', '; generated by PrusaSlicer 2.5.0\n;LAYER_COUNT:5\n', 'no_commands'],
    ['prose that mentions a command', 'G1 is the command for moving.\nMaybe M or G.\nT1000 came.\n', 'no_commands'],
  ]

  it.each(refusals)('refuses %s', (_, content, reason) => {
    expect(scan(content)).toEqual({ isGcode: false, reason })
    expect(scan(content, 1)).toEqual({ isGcode: false, reason })
  })

  it('knows a binary file from its first chunk', () => {
    const scanner = new GcodeScanner()
    scanner.push(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0]))
    expect(scanner.refused).toBe('binary')
  })

  it('accepts a byte order mark, line numbers, lower case and no newline at the end', () => {
    expect(scan('\ufeff; generated by PrusaSlicer 2.9.0 on\nN1 g1 x5 y6 z1 e1*33\nN2 g1 x7 e2').isGcode).toBe(true)
    expect(metadataOf('\ufeff; generated by PrusaSlicer 2.9.0 on\nN1 g1 x5 y6 z1*33\nN2 g1 x7 e2')).toMatchObject({
      slicer: { version: '2.9.0' },
      boundingBox: { minMm: { x: 5, y: 6, z: 1 }, maxMm: { x: 7, y: 6, z: 1 } },
    })
  })
})

describe('GcodeScanner on hostile files', () => {
  const hostile: [name: string, content: string][] = [
    ['numbers beyond all bounds', `G1 X1e400 Y${'9'.repeat(400)} Z-${'9'.repeat(9)} E${'9'.repeat(60)}\n`],
    [
      'numbers that are none',
      'G1 X. Y- Z+ E--5 F..\nG1 XXX\nG92 X Y\nG2 I J R\nM104 S T-5\nM104 S-1 T0.5\nT99999999\n',
    ],
    ['null bytes after the beginning', `${'; text\n'.repeat(1000)}\0\0G1 X1 Y1\0E1\n\0\0`],
    [
      'values of absurd size',
      '; layer_height = 1e400\n; nozzle_diameter = -1,NaN,Infinity\n;TIME:99999999999999999999\n',
    ],
    [
      'lists of absurd length',
      `; filament used [mm] = ${'1,'.repeat(5000)}1\n; filament_type = ${'P;'.repeat(5000)}\n`,
    ],
    ['control characters in texts', '; printer_model = a\u0001\u0085b\u0007\n; filament_type = \u0000PLA\u001b\n'],
    ['thumbnails without end or size', '; thumbnail begin 0x0 5\n; thumbnail begin 99999x99999 5\n; thumbnail end\n'],
    ['an arc without a radius', 'G90\nG1 X0 Y0 Z1 E1\nG2 X5 Y5 I0 J0 E1\nG3 X1 Y1 R0.001 E1\n'],
  ]

  it.each(hostile)('survives %s', (_, content) => {
    // The beginning must be text, so the hostile part comes after it.
    const metadata = metadataOf(`G28\n${'; text\n'.repeat(1000)}${content}`)
    expect(JSON.stringify(metadata)).not.toMatch(/\\u00/)
  })

  it('looks at a bounded part of a line without end, and reads on after it', () => {
    const scanner = new GcodeScanner()
    const chunk = Buffer.alloc(1024 * 1024, 'X')
    scanner.push(Buffer.from('G1 X5 Y5 Z5\nG1 '))
    const before = process.memoryUsage().arrayBuffers
    for (let megabyte = 0; megabyte < 256; megabyte++) scanner.push(chunk)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024)
    scanner.push(Buffer.from('9 E900\nG1 X6 E1\n'))
    const result = scanner.finish()
    expect(result).toMatchObject({ isGcode: true, metadata: { boundingBox: { maxMm: { x: 6, y: 5, z: 5 } } } })
  })
})
