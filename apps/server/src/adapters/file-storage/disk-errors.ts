import { GantryError } from '../../kernel/errors.js'

const FULL = new Set(['ENOSPC', 'EDQUOT'])

/** The system's error code (`ENOENT`), or null for an error of another kind. */
export const systemCode = (error: unknown): string | null =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null

/** A full disk or an exhausted quota as the typed error; every other error as it is. */
export const toStorageError = (error: unknown): unknown =>
  FULL.has(systemCode(error) ?? '') ? new GantryError('STORAGE_FULL', { cause: error }) : error

/** Runs a disk operation for which a missing file is an answer: `otherwise` then. */
export async function unlessMissing<T>(operation: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await operation
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return otherwise
    throw error
  }
}
