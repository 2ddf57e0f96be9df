import { describe, expect, it } from 'vitest'

import type { FilamentUse, PrintFileMetadata } from '@gantry/schemas'

import { requirementsOf } from './requirements.js'

const use = (material: string | null, lengthMm: number | null): FilamentUse => ({
  ...{ material, lengthMm, weightGrams: null, name: null, color: null },
})
const metadata = (change: Partial<PrintFileMetadata>) =>
  ({ filaments: [], nozzleDiametersMm: [], printerModel: null, boundingBox: null, ...change }) as PrintFileMetadata

describe('what a file asks of a printer', () => {
  it('is nothing when it says nothing', () => {
    expect(requirementsOf(metadata({}), [])).toEqual({
      ...{ materials: [], nozzleDiameterMm: null, sizeMm: null, printerModels: [], printerGroupIds: [] },
    })
  })

  it('is a material per tool that extrudes, or of which it is not known', () => {
    const filaments = [use('PLA', 100), use('PETG', 0), use('ABS', null), use(null, 5)]
    expect(requirementsOf(metadata({ filaments }), []).materials).toEqual(['PLA', 'ABS'])
  })

  it('is the nozzle, the size, the model, and the groups of whoever ordered it', () => {
    const sizeMm = { x: 1, y: 2, z: 3 }
    const boundingBox = { minMm: sizeMm, maxMm: sizeMm, sizeMm }
    expect(
      requirementsOf(metadata({ nozzleDiametersMm: [0.6], printerModel: 'MK4', boundingBox }), ['grp_1']),
    ).toMatchObject({ nozzleDiameterMm: 0.6, sizeMm, printerModels: ['MK4'], printerGroupIds: ['grp_1'] })
  })
})
