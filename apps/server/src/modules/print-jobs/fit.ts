import type { BuildVolume, FileFormat, JobRequirements, LoadedMaterial, Reason } from '@gantry/schemas'

import type { CopyBinding, WaitingJob } from './print-jobs.ports.js'

/** What of a printer is compared with a job. Null is "nobody said". */
export interface PrinterFacts {
  model: string | null
  groupId: string | null
  nozzleDiameterMm: number | null
  buildVolume: BuildVolume | null
  materials: readonly LoadedMaterial[]
  /** What the host prints, by what its driver said when it last connected. */
  fileFormats: readonly FileFormat[]
}

const NOZZLE_TOLERANCE_MM = 0.001
const VOLUME_TOLERANCE_MM = 0.5

const materialReasons = (facts: PrinterFacts, needs: string[]): Reason[] => {
  if (needs.length === 0) return []
  if (facts.materials.length === 0) return [{ code: 'MATERIAL_UNKNOWN', params: { needs } }]
  const left = facts.materials.map((loaded) => loaded.material)
  const has = [...left]
  for (const material of needs) {
    const at = left.indexOf(material)
    if (at === -1) return [{ code: 'MATERIAL_MISMATCH', params: { has, needs } }]
    left.splice(at, 1)
  }
  return []
}

const nozzleReasons = (facts: PrinterFacts, needsMm: number | null): Reason[] => {
  if (needsMm === null) return []
  const hasMm = facts.nozzleDiameterMm
  if (hasMm === null) return [{ code: 'NOZZLE_UNKNOWN', params: { needsMm } }]
  return Math.abs(hasMm - needsMm) <= NOZZLE_TOLERANCE_MM
    ? []
    : [{ code: 'NOZZLE_MISMATCH', params: { hasMm, needsMm } }]
}

const volumeReasons = (facts: PrinterFacts, size: JobRequirements['sizeMm']): Reason[] => {
  if (size === null) return []
  const volume = facts.buildVolume
  if (volume === null) return [{ code: 'VOLUME_UNKNOWN', params: {} }]
  const has = { x: volume.xMm, y: volume.yMm, z: volume.zMm }
  return (['x', 'y', 'z'] as const)
    .filter((axis) => size[axis] > has[axis] + VOLUME_TOLERANCE_MM)
    .map((axis) => ({ code: 'VOLUME_TOO_SMALL', params: { axis, hasMm: has[axis], needsMm: size[axis] } }))
}

/** A model counts as the same however it is spelled; a printer whose model nobody set is not equal to any. */
const modelReasons = (facts: PrinterFacts, needs: string[]): Reason[] => {
  if (needs.length === 0) return []
  const spelled = (name: string) => name.toLowerCase().replace(/[^a-z0-9+]/g, '')
  const own = facts.model === null ? null : spelled(facts.model)
  return needs.some((model) => spelled(model) === own)
    ? []
    : [{ code: 'MODEL_MISMATCH', params: { has: facts.model, needs } }]
}

const groupReasons = (facts: PrinterFacts, needs: string[]): Reason[] =>
  needs.length === 0 || (facts.groupId !== null && needs.includes(facts.groupId))
    ? []
    : [{ code: 'GROUP_MISMATCH', params: { needs } }]

/** @param needs undefined in jobs from before there was a choice: they print g-code, which every host takes */
const formatReasons = (facts: PrinterFacts, needs: FileFormat | undefined): Reason[] =>
  needs === undefined || facts.fileFormats.includes(needs)
    ? []
    : [{ code: 'FORMAT_MISMATCH', params: { has: [...facts.fileFormats], needs } }]

/** Why this printer does not satisfy these requirements; empty when it does. Unknown is not equal. */
export const mismatches = (facts: PrinterFacts, needs: JobRequirements): Reason[] => [
  ...formatReasons(facts, needs.fileFormat),
  ...materialReasons(facts, needs.materials),
  ...nozzleReasons(facts, needs.nozzleDiameterMm),
  ...volumeReasons(facts, needs.sizeMm),
  ...modelReasons(facts, needs.printerModels),
  ...groupReasons(facts, needs.printerGroupIds),
]

export const mayGoTo = ({ onlyPrinterId, notPrinterId }: CopyBinding, printerId: string): boolean =>
  (onlyPrinterId === null || onlyPrinterId === printerId) && notPrinterId !== printerId

/** Why a person's word keeps every waiting copy of a job from this printer. */
const bindingReasons = (printerId: string, { queuedCopies, bindings }: Bound): Reason[] =>
  bindings.length === 0 || queuedCopies > bindings.length || bindings.some((binding) => mayGoTo(binding, printerId))
    ? []
    : [{ code: 'COPY_GIVEN_ELSEWHERE', params: { printerIds: onlyPrinters(bindings) } }]

type Bound = Pick<WaitingJob, 'queuedCopies' | 'bindings'>

const onlyPrinters = (bindings: CopyBinding[]): string[] => [
  ...new Set(bindings.flatMap(({ onlyPrinterId }) => (onlyPrinterId === null ? [] : [onlyPrinterId]))),
]

/** Why none of the job's waiting copies goes to this printer, whatever the printer does just now. */
export const unfitness = (
  printerId: string,
  facts: PrinterFacts,
  job: Bound & Pick<WaitingJob, 'requirements'>,
): Reason[] => [...mismatches(facts, job.requirements), ...bindingReasons(printerId, job)]
