import { errorBodyIn } from '../errors/api-error-of.js'
import { badResponse } from '../errors/client-errors.js'
import { GantryApiError } from '../errors/gantry-api-error.js'
import type { PrintFile } from '../generated/router.js'

/** REST has dates as ISO texts. */
type Wire<T> = { [K in keyof T]: T[K] extends Date ? string : T[K] }
type WireFile = Wire<Omit<PrintFile, 'latest'>> & { latest: Wire<PrintFile['latest']> }

const parsed = (text: string, status: number): unknown => {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw badResponse(status, cause)
  }
}

/** The error of a REST answer. */
export const restErrorOf = (status: number, text: string): GantryApiError => {
  try {
    const body = errorBodyIn((parsed(text, status) as { error?: unknown } | null)?.error)
    return body === null ? badResponse(status) : new GantryApiError({ ...body, status })
  } catch (error) {
    return error as GantryApiError
  }
}

/** @throws GantryApiError what the server said, or `BAD_RESPONSE` */
export const printFileIn = (status: number, text: string): PrintFile => {
  if (status !== 201) throw restErrorOf(status, text)
  const { latest, ...file } = parsed(text, status) as WireFile
  return {
    ...file,
    createdAt: new Date(file.createdAt),
    updatedAt: new Date(file.updatedAt),
    latest: { ...latest, createdAt: new Date(latest.createdAt) },
  }
}
