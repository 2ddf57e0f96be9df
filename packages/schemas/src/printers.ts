import { z } from 'zod'

import { idempotencyKey, idOf } from './ids.js'
import { reasonSchema } from './reasons.js'

export const printerKind = z.enum(['octoprint', 'moonraker'])
export type PrinterKind = z.infer<typeof printerKind>

/**
 * The state a person sees. `offline`: no trustworthy status. `finished`: a job is over and its bed not yet cleared.
 * `error`: needs service. `maintenance`: an operator took the idle printer out of service.
 */
export const printerState = z.enum([
  'offline',
  'idle',
  'printing',
  'pausing',
  'paused',
  'cancelling',
  'finished',
  'error',
  'maintenance',
])
export type PrinterState = z.infer<typeof printerState>

export const bedState = z.enum(['clear', 'occupied'])
export type BedState = z.infer<typeof bedState>

export const materialName = z
  .string()
  .trim()
  .min(1)
  .max(40)
  .transform((name) => name.toUpperCase())

/** What is loaded in one slot (tool) of a printer. `colorHex` is `#RRGGBB`. */
export const loadedMaterial = z.object({
  slot: z.int().min(0).max(63),
  material: z.string(),
  colorHex: z.string().nullable(),
})
export type LoadedMaterial = z.infer<typeof loadedMaterial>

export const loadedMaterialInput = z.strictObject({
  slot: z.int().min(0).max(63).default(0),
  material: materialName,
  colorHex: z
    .string()
    .regex(/^#[0-9a-fA-F]{6}$/, 'must be a colour such as #1A2B3C')
    .nullable()
    .default(null),
})

const millimetres = z.number().positive().max(10_000)
export const buildVolume = z.object({ xMm: millimetres, yMm: millimetres, zMm: millimetres })
export type BuildVolume = z.infer<typeof buildVolume>

export const heaterReading = z.object({
  heater: z.string(),
  kind: z.enum(['tool', 'bed', 'chamber', 'other']),
  actualCelsius: z.number().nullable(),
  targetCelsius: z.number().nullable(),
})
export type HeaterReading = z.infer<typeof heaterReading>

/** What the printer works on now. `foreign` is true for a print that Gantry did not order. */
export const currentPrint = z.object({
  fileName: z.string().nullable(),
  foreign: z.boolean(),
  attemptId: z.string().nullable(),
  jobId: z.string().nullable(),
  progress: z.number().min(0).max(1).nullable(),
  elapsedSeconds: z.number().nullable(),
  remainingSeconds: z.number().nullable(),
  layer: z.number().nullable(),
  layerCount: z.number().nullable(),
})
export type CurrentPrint = z.infer<typeof currentPrint>

/**
 * The live view of one printer. `seq` grows by one with each change of one server's run (`boot`), so a client can
 * drop what arrives late.
 */
export const printerStatus = z.object({
  printerId: idOf('printer'),
  boot: z.string(),
  seq: z.int(),
  state: printerState,
  stateSince: z.date(),
  lastSeenAt: z.date().nullable(),
  observed: z.string().nullable(),
  bed: bedState,
  /** Since when the bed is so; `printers.clearBed` takes it as `ifBedSince`. */
  bedSince: z.date(),
  maintenance: z.boolean(),
  dispatchable: z.boolean(),
  waitingFor: z.array(reasonSchema),
  attention: z.object({ text: z.string(), severity: z.enum(['info', 'warning', 'error']) }).nullable(),
  heaters: z.array(heaterReading),
  print: currentPrint.nullable(),
})
export type PrinterStatus = z.infer<typeof printerStatus>

/** A printer as people configured it, with its live status. The host's key is write-only and never here. */
export const printer = z.object({
  id: idOf('printer'),
  name: z.string(),
  kind: printerKind,
  url: z.string(),
  hasApiKey: z.boolean(),
  model: z.string().nullable(),
  groupId: idOf('printerGroup').nullable(),
  locationId: idOf('location').nullable(),
  enabled: z.boolean(),
  nozzleDiameterMm: z.number().nullable(),
  buildVolume: buildVolume.nullable(),
  materials: z.array(loadedMaterial),
  status: printerStatus,
  version: z.int(),
  createdAt: z.date(),
  updatedAt: z.date(),
})
export type Printer = z.infer<typeof printer>

const printerName = z.string().trim().min(1).max(100)
/** Everybody sees it, and no host is asked with what it would hold. */
const hostUrl = z
  .url({ protocol: /^https?$/, error: 'must be a URL that starts with http:// or https://' })
  .max(500)
  .refine(
    (text) => !/^[^/]*\/\/[^/?#]*@/.test(text),
    'must not hold a user or a password; API keys have their own field',
  )
const hostApiKey = z.string().min(1).max(500)

export const createPrinterInput = z.strictObject({
  name: printerName,
  kind: printerKind,
  url: hostUrl,
  apiKey: hostApiKey.optional(),
  model: z.string().trim().min(1).max(100).optional(),
  groupId: idOf('printerGroup').optional(),
  locationId: idOf('location').optional(),
  nozzleDiameterMm: z.number().min(0.05).max(5).optional(),
  buildVolume: buildVolume.optional(),
  materials: z.array(loadedMaterialInput).max(64).default([]),
  /** Whether to connect to the host before it is stored; turn off to register a printer that is switched off. */
  checkConnection: z.boolean().default(true),
  idempotencyKey: idempotencyKey.optional(),
})
export type CreatePrinterInput = z.infer<typeof createPrinterInput>

export const updatePrinterInput = z.strictObject({
  id: idOf('printer'),
  ifVersion: z.int().optional(),
  name: printerName.optional(),
  url: hostUrl.optional(),
  apiKey: hostApiKey.nullable().optional(),
  model: z.string().trim().min(1).max(100).nullable().optional(),
  groupId: idOf('printerGroup').nullable().optional(),
  locationId: idOf('location').nullable().optional(),
  enabled: z.boolean().optional(),
  maintenance: z.boolean().optional(),
  checkConnection: z.boolean().default(true),
  nozzleDiameterMm: z.number().min(0.05).max(5).nullable().optional(),
  buildVolume: buildVolume.nullable().optional(),
})
export type UpdatePrinterInput = z.infer<typeof updatePrinterInput>

/** What became of an order to a printer. */
export const printerCommandState = z.enum(['pending', 'taken', 'done', 'failed', 'expired'])
export const printerCommandKind = z.enum(['pause', 'resume', 'cancel', 'emergency_stop'])
export type PrinterCommandKind = z.infer<typeof printerCommandKind>
