import type { HeaterReading } from '@gantry/schemas'

import type { HostJob, HostReport, HostState } from '../../modules/printers/printer-driver.port.js'
import type { JobMessage, StateMessage, TemperatureMessage } from './wire.js'

/** Everything that OctoPrint says of its printer at one moment. */
export interface Observation {
  state: StateMessage
  job: JobMessage['job']
  progress: JobMessage['progress']
  temperatures: TemperatureMessage
}

interface MappedState {
  state: HostState
  printerConnected: boolean
}

const NOT_CONNECTED = /^(Offline|Opening|Detecting|Connecting)/
const FAULT = /^(Error|Offline after error)/
const PREPARING = /^(Starting|Sending|Transferring)/
/** Copying a file to the printer's own card, which looks like printing and is none. */
const CARD_TRANSFER = /^(Starting to send|Sending|Transferring)/

/**
 * The order matters: `printing` is also true while pausing, resuming, cancelling and finishing, and after an emergency
 * stop `error` is false and only the text tells (OctoPrint 1.11).
 */
export const mapState = ({ flags, text }: Pick<StateMessage, 'flags' | 'text'>): MappedState => {
  if (flags.error || FAULT.test(text)) {
    return { state: 'error', printerConnected: !flags.closedOrError && !text.startsWith('Offline') }
  }
  if (flags.closedOrError || NOT_CONNECTED.test(text)) return { state: 'offline', printerConnected: false }
  const state = connectedState(flags, text)
  return { state: state ?? 'offline', printerConnected: state !== null }
}

const connectedState = (flags: StateMessage['flags'], text: string): HostState | null => {
  if (flags.cancelling) return 'cancelling'
  if (flags.pausing) return 'pausing'
  if (flags.paused) return 'paused'
  if (flags.resuming || flags.finishing || flags.printing || PREPARING.test(text)) return 'printing'
  return flags.operational || flags.ready ? 'idle' : null
}

const ACTIVE = new Set<HostState>(['printing', 'pausing', 'paused', 'cancelling'])

/** Whether the host works on a job in this state. */
export const isActive = (state: HostState): boolean => ACTIVE.has(state)

/** A file on the printer's own card is marked, so that it is never taken for one of the same name on the host. */
export const remotePathOf = (path: string | null, origin: string | null): string | null =>
  path === null || origin === null || origin === 'local' ? path : `${origin}:${path}`

const heaterKind = (name: string): HeaterReading['kind'] => {
  if (/^tool\d+$/.test(name)) return 'tool'
  return name === 'bed' || name === 'chamber' ? name : 'other'
}

/** A heater that the printer does not have is listed with two nulls. */
const mapHeaters = (temperatures: TemperatureMessage): HeaterReading[] =>
  Object.entries(temperatures)
    .filter(([, { actual, target }]) => actual !== null || target !== null)
    .map(([heater, { actual, target }]) => ({
      heater,
      kind: heaterKind(heater),
      actualCelsius: actual,
      targetCelsius: target,
    }))

const nonNegative = (value: number | null) => (value === null || !Number.isFinite(value) || value < 0 ? null : value)

const mapJob = ({ job, progress }: Observation): HostJob => {
  const percent = nonNegative(progress.completion)
  return {
    remotePath: remotePathOf(job.file.path, job.file.origin),
    hostJobRef: null,
    progress: percent === null ? null : Math.min(percent / 100, 1),
    elapsedSeconds: nonNegative(progress.printTime),
    remainingSeconds: nonNegative(progress.printTimeLeft),
    layer: null,
    layerCount: null,
    filamentUsedMm: null,
  }
}

/** After a print that succeeded OctoPrint shows it with 100 % until another file is selected; a cancelled one is cleared. */
const isFinished = ({ job, progress }: Observation) => job.file.path !== null && (progress.completion ?? 0) >= 100

const attentionOf = (state: HostState, { text, error }: StateMessage): HostReport['attention'] => {
  if (state === 'error') return { text: error === '' ? text : error, severity: 'error' }
  return error === '' ? null : { text: error, severity: 'warning' }
}

/** Normalises one observation. */
export const mapReport = (observation: Observation): HostReport => {
  const { state: message, temperatures } = observation
  const { state: mapped, printerConnected } = mapState(message)
  const transferring = mapped === 'printing' && CARD_TRANSFER.test(message.text)
  const state = mapped === 'idle' && isFinished(observation) ? 'finished' : mapped
  const hasJob = !transferring && (isActive(state) || state === 'finished')
  return {
    observed: message.text,
    state,
    printerConnected,
    busyDetail: transferring ? 'a file is being copied to the card of the printer' : null,
    attention: attentionOf(state, message),
    heaters: printerConnected ? mapHeaters(temperatures) : [],
    job: hasJob ? mapJob(observation) : null,
  }
}
