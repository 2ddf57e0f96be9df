/** What a printer has, and a file needs. */
export interface Loaded {
  material: string
  nozzleMm: number
}

/** Dealt out in turn over the printers, and over the files. */
export interface Stock {
  materials: readonly string[]
  nozzlesMm: readonly number[]
}

/** Every combination is there, and no printer takes all files. */
export const MIXED: Stock = { materials: ['PLA', 'PETG'], nozzlesMm: [0.4, 0.4, 0.6] }
export const ONE_FOR_ALL: Stock = { materials: ['PLA'], nozzlesMm: [0.4] }

export const loadedIn = ({ materials, nozzlesMm }: Stock, index: number): Loaded => ({
  material: materials[index % materials.length] ?? 'PLA',
  nozzleMm: nozzlesMm[index % nozzlesMm.length] ?? 0.4,
})

/** After so many the deal begins anew. */
export const combinationsOf = ({ materials, nozzlesMm }: Stock): number => materials.length * nozzlesMm.length
