import type { PrintOutcome } from '../../modules/printers/printer-driver.port.js'

/** How a run went, by `print_stats.state`; null while it does not say. */
export function outcomeOfState(state: string | null): PrintOutcome | null {
  if (state === 'complete') return 'completed'
  if (state === 'cancelled') return 'cancelled'
  return state === 'error' ? 'failed' : null
}

/** How a run went, by the status of its history entry; null while it goes on. */
export function outcomeOfHistory(status: string | null): PrintOutcome | null {
  if (status === 'in_progress') return null
  if (status === 'completed' || status === 'cancelled') return status
  return 'failed'
}

/**
 * Whether this history status only says that Moonraker lost sight of the print: Klipper may have printed on. Whoever
 * reads it must look at the printer as well.
 */
export const lostSight = (status: string | null): boolean =>
  status === 'klippy_disconnect' || status === 'server_exit' || status === 'interrupted'

/** Time spent printing; some prints never extrude, and then only the total is counted. */
export function printSeconds(run: { print_duration: number | null; total_duration: number | null }): number | null {
  return run.print_duration === null || run.print_duration === 0 ? run.total_duration : run.print_duration
}
