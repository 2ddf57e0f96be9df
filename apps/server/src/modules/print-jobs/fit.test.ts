import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { JobRequirements } from '@gantry/schemas'

import { mismatches, type PrinterFacts } from './fit.js'

const printer: PrinterFacts = {
  model: 'Prusa MK3S',
  groupId: 'grp_1',
  nozzleDiameterMm: 0.4,
  buildVolume: { xMm: 250, yMm: 210, zMm: 210 },
  materials: [{ slot: 0, material: 'PLA', colorHex: null }],
  fileFormats: ['gcode'],
}
const nothing: JobRequirements = {
  materials: [],
  nozzleDiameterMm: null,
  sizeMm: null,
  printerModels: [],
  printerGroupIds: [],
  fileFormat: 'gcode',
}
const codes = (facts: Partial<PrinterFacts>, needs: Partial<JobRequirements>) =>
  mismatches({ ...printer, ...facts }, { ...nothing, ...needs }).map(({ code }) => code)

describe('whether a printer satisfies a job', () => {
  it.each<[string, Partial<PrinterFacts>, Partial<JobRequirements>, string[]]>([
    ['the same material', {}, { materials: ['PLA'] }, []],
    ['another material', {}, { materials: ['PETG'] }, ['MATERIAL_MISMATCH']],
    ['no material set', { materials: [] }, { materials: ['PLA'] }, ['MATERIAL_UNKNOWN']],
    ['two tools of one material with one spool', {}, { materials: ['PLA', 'PLA'] }, ['MATERIAL_MISMATCH']],
    ['the same nozzle', {}, { nozzleDiameterMm: 0.4 }, []],
    ['another nozzle', {}, { nozzleDiameterMm: 0.6 }, ['NOZZLE_MISMATCH']],
    ['no nozzle set', { nozzleDiameterMm: null }, { nozzleDiameterMm: 0.4 }, ['NOZZLE_UNKNOWN']],
    ['a part that just fits', {}, { sizeMm: { x: 250.5, y: 210, z: 1 } }, []],
    [
      'a part too wide and too high',
      {},
      { sizeMm: { x: 251, y: 1, z: 211 } },
      ['VOLUME_TOO_SMALL', 'VOLUME_TOO_SMALL'],
    ],
    ['no volume set', { buildVolume: null }, { sizeMm: { x: 1, y: 1, z: 1 } }, ['VOLUME_UNKNOWN']],
    ['the model written otherwise', {}, { printerModels: ['PRUSA_mk3s'] }, []],
    ['another model', {}, { printerModels: ['MK4'] }, ['MODEL_MISMATCH']],
    ['a model that differs by a plus', {}, { printerModels: ['Prusa MK3S+'] }, ['MODEL_MISMATCH']],
    ['no model set', { model: null }, { printerModels: ['MK4'] }, ['MODEL_MISMATCH']],
    ['one of the groups', {}, { printerGroupIds: ['grp_2', 'grp_1'] }, []],
    ['another group', {}, { printerGroupIds: ['grp_2'] }, ['GROUP_MISMATCH']],
    ['no group at all', { groupId: null }, { printerGroupIds: ['grp_2'] }, ['GROUP_MISMATCH']],
    ['a 3MF where the host prints it', { fileFormats: ['gcode', '3mf'] }, { fileFormat: '3mf' }, []],
    ['a 3MF where the host prints g-code alone', {}, { fileFormat: '3mf' }, ['FORMAT_MISMATCH']],
  ])('%s', (_name, facts, needs, expected) => {
    expect(codes(facts, needs)).toEqual(expected)
  })

  it('takes a job from before there was a choice for g-code', () => {
    const { fileFormat: _, ...old } = nothing
    expect(mismatches(printer, old as JobRequirements)).toEqual([])
  })

  it('is asked nothing by a job without requirements', () => {
    expect(codes({ model: null, groupId: null, nozzleDiameterMm: null, buildVolume: null, materials: [] }, {})).toEqual(
      [],
    )
  })

  it('holds exactly when every needed material has a spool of its own', () => {
    const material = fc.constantFrom('PLA', 'PETG', 'ABS')
    fc.assert(
      fc.property(fc.array(material, { maxLength: 5 }), fc.array(material, { maxLength: 5 }), (loaded, needs) => {
        const count = (list: string[], name: string) => list.filter((other) => other === name).length
        const enough = needs.every((name) => count(needs, name) <= count(loaded, name))
        const materials = loaded.map((name, slot) => ({ slot, material: name, colorHex: null }))
        expect(codes({ materials }, { materials: needs }).length === 0).toBe(enough)
      }),
    )
  })
})
