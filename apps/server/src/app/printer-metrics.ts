import { printerKind, type PrinterKind } from '@gantry/schemas'

import type { Fleet } from '../modules/printers/fleet.js'
import type { LinkObserver } from '../modules/printers/printers.ports.js'
import { LIVE_FOR_MS } from '../modules/printers/printer-status.js'
import type { Metrics } from '../observability/metrics.js'

const LINKS = ['connected', 'connecting', 'down'] as const

/** The connections that this process makes and loses, for the fleet. */
export const countLinksIn = (metrics: Metrics): LinkObserver => {
  const connects = metrics.counter(
    'gantry_printer_connects_total',
    'Tries of this process to connect to a printer host, by how they ended: ok, or the error.',
    ['kind', 'outcome'],
  )
  const reconnects = metrics.counter(
    'gantry_printer_reconnects_total',
    'Connections of this process that were made again after one had been there.',
    ['kind'],
  )
  const losses = metrics.counter(
    'gantry_printer_disconnects_total',
    'Connections that this process lost, by the error; changed: people changed the printer.',
    ['kind', 'reason'],
  )
  return {
    connected: (kind, again) => {
      connects.inc({ kind, outcome: 'ok' })
      if (again) reconnects.inc({ kind })
    },
    failed: (kind, code) => connects.inc({ kind, outcome: code ?? 'changed' }),
    lost: (kind, code) => losses.inc({ kind, reason: code ?? 'changed' }),
  }
}

/** How the printers that this process drives are connected; over all processes these add up. */
export const showLinksIn = (metrics: Metrics, fleet: Pick<Fleet, 'served'>): void => {
  metrics.readings({
    type: 'gauge',
    name: 'gantry_printer_connections',
    help: 'Printers that this process drives, by the state of the connection to their host.',
    labelNames: ['kind', 'link'],
    read: () => {
      const counts = new Map<string, number>()
      for (const { record, live } of fleet.served()) {
        const key = `${record.kind} ${live.link}`
        counts.set(key, (counts.get(key) ?? 0) + 1)
      }
      return printerKind.options.flatMap((kind: PrinterKind) =>
        LINKS.map((link) => ({ labels: { kind, link }, value: counts.get(`${kind} ${link}`) ?? 0 })),
      )
    },
  })
  const ages = () =>
    fleet.served().flatMap(({ supervisor: { reportAgeMs } }) => (reportAgeMs === null ? [] : [reportAgeMs]))
  metrics.gauge(
    'gantry_printer_report_age_seconds',
    'How long the connected printer of this process that has been silent longest has not reported; 0 without printers.',
    () => Math.max(0, ...ages()) / 1_000,
  )
  metrics.gauge(
    'gantry_printers_silent',
    `Connected printers of this process that have not reported for ${LIVE_FOR_MS / 1_000} s.`,
    () => ages().filter((ageMs) => ageMs > LIVE_FOR_MS).length,
  )
}
