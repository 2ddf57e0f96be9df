import { Readable } from 'node:stream'

import {
  DriverError,
  type PermissionProbe,
  type RevokeAnswer,
  type StartAnswer,
} from '../../modules/printers/printer-driver.port.js'
import { type Answer, errorOf, refusalText } from './answers.js'
import type { OctoPrintClient } from './client.js'
import { worksOn } from './evidence.js'
import { isActive, mapReport } from './mapper.js'

/** @throws DriverError unless the host carried the order out */
const expectDone = (answer: Answer): void => {
  if (answer.status !== 204) throw errorOf(answer)
}

const asDriverError = (error: unknown): DriverError => {
  if (error instanceof DriverError) return error
  throw error
}

const REFUSALS = new Set([400, 403, 404, 409])

/** Selects and prints. Only a refusal in OctoPrint's own words proves that nothing starts. */
export const start = async (client: OctoPrintClient, path: string, signal: AbortSignal): Promise<StartAnswer> => {
  try {
    const answer = await client.print(path, signal)
    if (answer.status === 204) return { kind: 'sent' }
    const isRefusal = REFUSALS.has(answer.status) && refusalText(answer) !== null
    return { kind: isRefusal ? 'rejected' : 'unknown', error: errorOf(answer) }
  } catch (error) {
    return { kind: 'unknown', error: asDriverError(error) }
  }
}

/**
 * Deletes the file. A 409 may also mean that the file is being copied or analysed, so the job itself is asked whether
 * it is this file.
 */
export const revoke = async (client: OctoPrintClient, path: string, signal: AbortSignal): Promise<RevokeAnswer> => {
  try {
    const answer = await client.delete(path, signal)
    if (answer.status === 204) return 'deleted'
    if (refusalText(answer) === null) return 'unknown'
    if (answer.status === 404) return 'absent'
    if (answer.status !== 409) return 'unknown'
    return worksOn(await client.observe(signal), path) ? 'in_use' : 'unknown'
  } catch (error) {
    asDriverError(error)
    return 'unknown'
  }
}

export type JobCommand = 'pause' | 'resume' | 'cancel'

/** OctoPrint toggles when `action` is missing, and takes its job commands for whatever job runs. */
const JOB_COMMANDS: Record<JobCommand, Record<string, string>> = {
  pause: { command: 'pause', action: 'pause' },
  resume: { command: 'pause', action: 'resume' },
  cancel: { command: 'cancel' },
}

/** @throws DriverError `busy` when another file is printed, `rejected` when nothing is */
export const commandJob = async (
  client: OctoPrintClient,
  command: JobCommand,
  path: string | null,
  signal: AbortSignal,
): Promise<void> => {
  const { state, job } = mapReport(await client.observe(signal))
  if (!isActive(state)) throw new DriverError('rejected', `there is no print to ${command}: the host is ${state}`)
  if (path !== null && job?.remotePath !== path) {
    throw new DriverError('busy', `the host prints another file: ${job?.remotePath ?? 'one without a name'}`)
  }
  expectDone(await client.order('/api/job', JOB_COMMANDS[command], signal))
}

export const emergencyStop = async (client: OctoPrintClient, signal: AbortSignal): Promise<void> => {
  expectDone(await client.order('/api/printer/command', { command: 'M112' }, signal))
}

/** The hottest that any printer of the kind is made for; a higher number is a mistake. */
const MAX_CELSIUS = { tool: 350, bed: 140, chamber: 100 }

/** @throws DriverError `unsupported` for an unknown heater, `rejected` for a temperature out of range */
export const setTemperature = async (
  client: OctoPrintClient,
  heater: string,
  targetCelsius: number,
  signal: AbortSignal,
): Promise<void> => {
  const kind = /^tool\d{1,2}$/.test(heater) ? 'tool' : heater
  if (kind !== 'tool' && kind !== 'bed' && kind !== 'chamber') {
    throw new DriverError('unsupported', `OctoPrint has no heater called ${JSON.stringify(heater)}`)
  }
  if (!(targetCelsius >= 0 && targetCelsius <= MAX_CELSIUS[kind])) {
    throw new DriverError('rejected', `the target of a ${kind} must be between 0 and ${MAX_CELSIUS[kind]} °C`)
  }
  const order = kind === 'tool' ? { targets: { [heater]: targetCelsius } } : { target: targetCelsius }
  expectDone(await client.order(`/api/printer/${kind}`, { command: 'target', ...order }, signal))
}

const PROBE = Buffer.from('; Gantry checks that it may upload and delete files here. Safe to delete.\n')

/** A refusal by the host is an answer; anything else is thrown. */
const refusedBecause = async (attempt: () => Promise<unknown>): Promise<string | null> => {
  try {
    await attempt()
    return null
  } catch (error) {
    const failure = asDriverError(error)
    if (failure.details.httpStatus === undefined || failure.code === 'unreachable') throw failure
    return failure.message
  }
}

/** Needed to select a file and to print it. */
const PRINT_PERMISSIONS = ['PRINT', 'FILES_SELECT']

const reasonsOf = (reasons: readonly (string | null)[]): string | null => {
  const texts = reasons.filter((text) => text !== null)
  return texts.length === 0 ? null : texts.join('; ')
}

/**
 * Finds out what the key may do by doing it with a file of our own, and reads whether it may print. A key that says
 * itself that it may not delete is not tried: every connect would leave one more file behind.
 */
export const probePermissions = async (
  client: OctoPrintClient,
  probeName: string,
  signal: AbortSignal,
): Promise<PermissionProbe> => {
  const granted = await client.permissions(signal)
  const missing = PRINT_PERMISSIONS.filter((permission) => !granted.includes(permission))
  const print = missing.length === 0
  const noPrint = print ? null : `the key lacks ${missing.join(', ')}`
  if (!granted.includes('FILES_DELETE')) {
    const upload = granted.includes('FILES_UPLOAD')
    return { upload, delete: false, print, detail: reasonsOf(['the key lacks FILES_DELETE', noPrint]) }
  }
  const source = { sizeBytes: PROBE.byteLength, open: () => Readable.from([PROBE]) }
  const stored: string[] = []
  const noUpload = await refusedBecause(async () => stored.push(await client.upload(source, probeName, { signal })))
  const noDelete = await refusedBecause(async () => {
    for (const path of stored) expectDone(await client.delete(path, signal))
  })
  const upload = noUpload === null
  return { upload, delete: upload && noDelete === null, print, detail: reasonsOf([noUpload, noDelete, noPrint]) }
}
