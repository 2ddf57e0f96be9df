import type { BedState, PrinterState } from '@gantry/schemas'

import type { HostState } from './printer-driver.port.js'

/** A command that the host accepted and has not yet shown in its state. */
export interface PendingCommand {
  kind: 'pause' | 'cancel'
  untilMs: number
}

export interface StateInputs {
  /** Null before the first full report of this connection, and while there is no connection. */
  host: HostState | null
  bed: BedState
  maintenance: boolean
  /** A copy was given to it whose fate is known: on its way, or ended a moment ago. */
  inHand: boolean
  pending: PendingCommand | null
  nowMs: number
}

const BUSY: readonly HostState[] = ['printing', 'pausing', 'paused', 'cancelling']

export const isBusy = (state: HostState | PrinterState): boolean => (BUSY as readonly string[]).includes(state)

const overlaid = (host: HostState, pending: PendingCommand | null, nowMs: number): HostState => {
  if (pending === null || nowMs >= pending.untilMs || !isBusy(host)) return host
  if (pending.kind === 'pause') return host === 'printing' ? 'pausing' : host
  return 'cancelling'
}

/**
 * The state that people see: the host's own, with what was ordered but not yet shown laid over it, `printing` from the
 * moment a copy is given to the printer, `finished` for an idle printer whose bed is not cleared, and `maintenance` only
 * where nothing runs that a person must know of.
 */
export const displayedState = ({ host, bed, maintenance, inHand, pending, nowMs }: StateInputs): PrinterState => {
  if (host === null) return 'offline'
  if (maintenance && !isBusy(host)) return 'maintenance'
  const state = overlaid(host, pending, nowMs)
  const isResting = state === 'idle' || state === 'finished'
  if (isResting && inHand) return 'printing'
  if (isResting) return bed === 'occupied' ? 'finished' : 'idle'
  return state
}
