import type { MachineState } from '../machine/machine.types.js'
import type { OctoPrintInstance } from './octoprint-instance.js'

export type Link = 'connected' | 'closed' | 'failed'

const TEXT: Record<Exclude<MachineState, 'shutdown'>, string> = {
  operational: 'Operational',
  starting: 'Starting',
  printing: 'Printing',
  pausing: 'Pausing',
  paused: 'Paused',
  resuming: 'Resuming',
  cancelling: 'Cancelling',
  finishing: 'Finishing',
}

export function stateText(link: Link, state: MachineState): string {
  if (link === 'failed' || state === 'shutdown') return 'Offline after error'
  return link === 'closed' ? 'Offline' : TEXT[state]
}

export function stateId(link: Link, state: MachineState): string {
  if (link === 'failed' || state === 'shutdown') return 'CLOSED_WITH_ERROR'
  return link === 'closed' ? 'OFFLINE' : state.toUpperCase()
}

/** The state block of `/api/printer` and of push frames; `printing` is true in every passing state, as in 1.11. */
export function stateBlock(instance: OctoPrintInstance) {
  const { machine, link } = instance
  const on = link === 'connected'
  const is = (...states: MachineState[]): boolean => on && states.includes(machine.state)
  return {
    text: stateText(link, machine.state),
    error: instance.errorText,
    flags: {
      operational: on,
      paused: is('paused'),
      printing: on && machine.state !== 'operational' && machine.state !== 'paused',
      pausing: is('pausing'),
      resuming: is('resuming'),
      finishing: is('finishing'),
      cancelling: is('cancelling'),
      error: false,
      closedOrError: !on,
      ready: is('operational'),
      sdReady: on,
    },
  }
}

/** One temperature point: `tool0`…, `bed`, each `{actual, target}`. */
export function temperatures(instance: OctoPrintInstance, offset: boolean): Record<string, object> {
  const entries = Object.entries(instance.machine.heaters).map(([name, reading]) => {
    const values = { actual: reading.actualCelsius, target: reading.targetCelsius }
    return [name, offset ? { ...values, offset: 0 } : values] as const
  })
  return Object.fromEntries(entries)
}

export function jobBlock(instance: OctoPrintInstance) {
  const file = instance.selected
  const record = file ? instance.records.get(file.path) : undefined
  return {
    file: {
      name: file?.path.split('/').at(-1) ?? null,
      display: file?.path.split('/').at(-1) ?? null,
      path: file?.path ?? null,
      origin: file ? 'local' : null,
      size: file?.sizeBytes ?? null,
      date: file ? Math.floor(file.modifiedMs / 1000) : null,
    },
    estimatedPrintTime: null,
    averagePrintTime: record?.averagePrintTimeSeconds ?? null,
    lastPrintTime: record?.lastPrintTimeSeconds ?? null,
    filament: null,
    user: file ? instance.jobUser : null,
  }
}

const NO_PROGRESS = {
  completion: null,
  filepos: null,
  printTime: null,
  printTimeLeft: null,
  printTimeLeftOrigin: null,
}

/** Percent, bytes and seconds; kept at 100 after a good print, null after any other end. */
export function progressBlock(instance: OctoPrintInstance) {
  const job = instance.machine.job ?? (instance.keepsProgress ? instance.machine.lastJob : null)
  if (!job) return NO_PROGRESS
  const printTime = Math.floor(job.printTimeSeconds)
  const known = job.progress > 0.01
  const left = known ? Math.round((job.printTimeSeconds * (1 - job.progress)) / job.progress) : null
  return {
    completion: job.progress * 100,
    filepos: job.positionBytes,
    printTime,
    printTimeLeft: left,
    printTimeLeftOrigin: known ? 'linear' : null,
  }
}
