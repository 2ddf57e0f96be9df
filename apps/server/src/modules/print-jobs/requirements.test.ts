import { describe, expect, it } from 'vitest'

import type { FilamentUse, PrintFileMetadata } from '@gantry/schemas'

import { requirementsOf } from './requirements.js'

const use = (material: string | null, lengthMm: number | null): FilamentUse => ({
  ...{ material, lengthMm, weightGrams: null, name: null, color: null },
})
const gcode = (change: Partial<PrintFileMetadata>) => {
  const metadata = { filaments: [], nozzleDiametersMm: [], printerModel: null, boundingBox: null, ...change }
  return { format: 'gcode' as const, metadata: metadata as unknown as PrintFileMetadata }
}

describe('what a file asks of a printer', () => {
  it('is its format alone when it says nothing', () => {
    expect(requirementsOf(gcode({}), [])).toEqual({
      ...{ materials: [], nozzleDiameterMm: null, sizeMm: null, printerModels: [], printerGroupIds: [] },
      fileFormat: 'gcode',
    })
  })

  it('is a host that takes it', () => {
    expect(requirementsOf({ ...gcode({}), format: '3mf' }, []).fileFormat).toBe('3mf')
  })

  it('is a material per tool that extrudes, or of which it is not known', () => {
    const filaments = [use('PLA', 100), use('PETG', 0), use('ABS', null), use(null, 5)]
    expect(requirementsOf(gcode({ filaments }), []).materials).toEqual(['PLA', 'ABS'])
  })

  it('is the nozzle, the size, the model, and the groups of whoever ordered it', () => {
    const sizeMm = { x: 1, y: 2, z: 3 }
    const boundingBox = { minMm: sizeMm, maxMm: sizeMm, sizeMm }
    expect(
      requirementsOf(gcode({ nozzleDiametersMm: [0.6], printerModel: 'MK4', boundingBox }), ['grp_1']),
    ).toMatchObject({ nozzleDiameterMm: 0.6, sizeMm, printerModels: ['MK4'], printerGroupIds: ['grp_1'] })
  })
})
