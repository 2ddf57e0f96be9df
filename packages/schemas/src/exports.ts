import { z } from 'zod'

import { errorCode } from './errors.js'
import { idempotencyKey, idOf } from './ids.js'

/** What an export holds; `audit` are entries of the audit log; `full` is all of it, for one's own data also profile, sessions, keys, files and events. */
export const exportKind = z.enum(['full', 'projects', 'jobs', 'attempts', 'analytics', 'audit'])
export type ExportKind = z.infer<typeof exportKind>

/** Whose: what belongs to the one who asks, or the whole farm's. */
export const exportScope = z.enum(['own', 'farm'])
export type ExportScope = z.infer<typeof exportScope>

/** One JSON document, or a CSV file; a `full` export has several tables and is a ZIP of CSV files. */
export const exportFormat = z.enum(['json', 'csv'])
export type ExportFormat = z.infer<typeof exportFormat>

export const exportState = z.enum(['queued', 'running', 'ready', 'failed', 'expired'])
export type ExportState = z.infer<typeof exportState>

export const dataExport = z.object({
  id: idOf('export'),
  kind: exportKind,
  scope: exportScope,
  format: exportFormat,
  state: exportState,
  /** From 0 to 1; 1 only when it is ready. */
  progress: z.number(),
  rowsWritten: z.int(),
  fileName: z.string(),
  /** Null until it is ready. */
  sizeBytes: z.number().nullable(),
  /** Why it failed. */
  errorCode: errorCode.nullable(),
  createdAt: z.date(),
  startedAt: z.date().nullable(),
  finishedAt: z.date().nullable(),
  /** When the file is removed. */
  expiresAt: z.date().nullable(),
  /** Path of the file on this server, valid for fifteen minutes without a login; null unless it is ready. */
  downloadUrl: z.string().nullable(),
})
export type DataExport = z.infer<typeof dataExport>

export const createExportInput = z.strictObject({
  kind: exportKind,
  /** `farm` is for admins. */
  scope: exportScope.default('own'),
  format: exportFormat.default('json'),
  idempotencyKey: idempotencyKey.optional(),
})
export type CreateExportInput = z.infer<typeof createExportInput>
