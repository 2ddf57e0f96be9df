import { ACTIVE_ATTEMPT_STATES, ALARM_CODES, printerState } from '@gantry/schemas'

import type { CallOff, Logger, Timers } from '../kernel/index.js'
import type { Census, CensusRepository } from '../modules/system/census.ports.js'
import type { Metrics } from '../observability/metrics.js'
import { counted, OF_ALL } from './counted.js'

export interface FarmGaugesDeps {
  metrics: Metrics
  census: Pick<CensusRepository, 'take'>
  clock: Timers
  log: Logger
}

const PRINTER_STATES = [...printerState.options, 'disabled'] as const

interface Family {
  name: string
  help: string
  read: (census: Census) => { labels: Record<string, string>; value: number }[]
  label?: string
}

const one = (name: string, help: string, read: (census: Census) => number): Family => ({
  name,
  help,
  read: (census) => [{ labels: {}, value: read(census) }],
})

/** Every value of the label is shown, also those that nothing has: an alert must not lose its series. */
const each = <K extends string>(
  name: string,
  help: string,
  [label, values]: readonly [label: string, values: readonly K[]],
  read: (census: Census) => ReadonlyMap<K, number>,
): Family => ({
  ...{ name, help, label },
  read: (census) => {
    const counts = read(census)
    return values.map((value) => ({ labels: { [label]: value }, value: counts.get(value) ?? 0 }))
  },
})

const FAMILIES: readonly Family[] = [
  each(
    'gantry_printers',
    'Printers by the state that people see; disabled ones apart.',
    ['state', PRINTER_STATES],
    ({ printers }) => printers,
  ),
  each(
    'gantry_attempts_active',
    'Attempts that have not ended, by their state.',
    ['state', ACTIVE_ATTEMPT_STATES],
    ({ attempts }) => attempts,
  ),
  one('gantry_print_queue_copies', 'Copies that wait for a printer.', ({ queuedCopies }) => queuedCopies),
  one(
    'gantry_print_queue_oldest_age_seconds',
    'How long the oldest job with waiting copies has been there; 0 when none waits.',
    ({ oldestQueuedSeconds }) => oldestQueuedSeconds,
  ),
  each('gantry_alarms_open', 'Alarms that are not cleared.', ['code', ALARM_CODES], ({ alarms }) => alarms),
  each(
    'gantry_holds_open',
    'Printers and jobs that wait for a person, a hold each.',
    ['subject', ['printer', 'print_job']],
    ({ holds }) => holds,
  ),
  each(
    'gantry_outbox_rows',
    'Orders of jobs that are not done: not handed over yet, or handed over.',
    ['state', ['pending', 'relayed']],
    ({ outbox }) => outbox,
  ),
  one(
    'gantry_outbox_oldest_age_seconds',
    'How long the order that is due longest has waited for being handed over; 0 when none waits.',
    ({ outboxOldestSeconds }) => outboxOldestSeconds,
  ),
]

/** The farm as the database has it, as gauges: the same from every process that shows them. */
export const showFarmIn = ({ metrics, census, clock, log }: FarmGaugesDeps): { stop: CallOff } => {
  if (!metrics.enabled) return { stop: () => undefined }
  const { known, stop } = counted({ what: 'the farm', count: () => census.take(), clock, log })
  for (const { name, help, label, read } of FAMILIES) {
    metrics.readings({
      ...{ type: 'gauge', name, help: `${help} ${OF_ALL}`, labelNames: label === undefined ? [] : [label] },
      read: () => {
        const census = known()
        return census === null ? [] : read(census)
      },
    })
  }
  return { stop }
}
