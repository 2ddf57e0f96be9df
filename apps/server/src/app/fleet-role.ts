import type { Repositories } from '../db/repositories.js'
import type { EventBus, Logger, Primary, Random, Timers, Tracer, UnitOfWork } from '../kernel/index.js'
import {
  AttemptConduct,
  CONDUCT_TIMINGS,
  type ConductDeps,
  type ConductTimings,
} from '../modules/print-jobs/attempt-conduct.js'
import { AttemptLedger } from '../modules/print-jobs/attempt-ledger.js'
import { Dispatcher, DISPATCHER_TIMINGS } from '../modules/print-jobs/dispatcher.js'
import { ForeignPrints } from '../modules/print-jobs/foreign-prints.js'
import { PastPrints } from '../modules/print-jobs/past-prints.js'
import { PrinterWorker } from '../modules/print-jobs/printer-worker.js'
import { UPLOAD_LIMITS, UploadSlots } from '../modules/print-jobs/upload-slots.js'
import { Fleet } from '../modules/printers/fleet.js'
import { LEASE_TIMINGS, type LeaseTimings } from '../modules/printers/lease-keeper.js'
import { CommandRunner } from '../modules/printers/command-runner.js'
import { PrinterAlarms } from '../modules/printers/printer-alarms.js'
import { SUPERVISOR_TIMINGS, type SupervisorTimings } from '../modules/printers/printer-supervisor.js'
import type { CredentialSealer, DriverRegistry } from '../modules/printers/printers.ports.js'
import type { Metrics } from '../observability/metrics.js'
import { countLinksIn, showLinksIn } from './printer-metrics.js'

/** Waits that tests shorten. */
export interface FleetRoleTimings {
  leases: LeaseTimings
  supervisor: SupervisorTimings
  conduct: ConductTimings
}

export const FLEET_ROLE_TIMINGS: FleetRoleTimings = {
  leases: LEASE_TIMINGS,
  supervisor: SUPERVISOR_TIMINGS,
  conduct: CONDUCT_TIMINGS,
}

export interface FleetRoleDeps {
  unitOfWork: UnitOfWork<Repositories>
  reads: Primary<Repositories>
  leases: UnitOfWork<Repositories>
  bus: EventBus
  drivers: DriverRegistry
  sealer: CredentialSealer
  openFile: ConductDeps['openFile']
  metrics: Metrics
  instanceId: string
  clock: Timers
  random: Random
  log: Logger
  tracer: Tracer
  timings: FleetRoleTimings
  /** How long heaters may be on while nothing is printed. */
  heaterOnMs: number
}

export interface FleetRole {
  /** From now on no copy is claimed and no order taken; what is in hand goes on. */
  stopClaiming(): Promise<void>
  /** Closes the connections and gives the leases back; printers go on printing. */
  stop(): Promise<void>
}

/** Everything that drives printers: leases, supervisors, the attempts on them, their commands, and the dispatcher. */
export const startFleetRole = async (deps: FleetRoleDeps): Promise<FleetRole> => {
  const { unitOfWork, reads, bus, clock, log, timings, instanceId } = deps
  const ledger = new AttemptLedger(unitOfWork, reads)
  const uploads = new UploadSlots(clock, UPLOAD_LIMITS)
  const conduct = new AttemptConduct({ ledger, openFile: deps.openFile, uploads, timings: timings.conduct, log })
  const foreign = new ForeignPrints(unitOfWork, clock, log)
  const past = new PastPrints(unitOfWork)
  const worker = new PrinterWorker({
    ...{ ledger, conduct, foreign, past, clock, log, tracer: deps.tracer },
    onFree: () => dispatcher.request(),
    onRest: (printerId, untilMs) => fleet.find(printerId)?.showRest(untilMs),
  })
  const fleet: Fleet = new Fleet({
    ...{ unitOfWork, reads, leases: deps.leases, bus, clock, log, instanceId, worker },
    drivers: deps.drivers,
    sealer: deps.sealer,
    alarms: new PrinterAlarms(unitOfWork, { clock, alarmAfterMs: deps.heaterOnMs }, log),
    random: deps.random,
    links: countLinksIn(deps.metrics),
    timings: timings.supervisor,
    leaseTimings: timings.leases,
  })
  showLinksIn(deps.metrics, fleet)
  const dispatcher: Dispatcher = new Dispatcher({
    ...{ unitOfWork, reads, fleet, worker, bus, clock, log },
    timings: DISPATCHER_TIMINGS,
  })
  const commands = new CommandRunner({ unitOfWork, bus, fleet, instanceId, clock, log })
  const unwatchCancels = bus.onWake('printer.command', () => {
    worker.noticeCancels().catch((err: unknown) => log.warn({ err }, 'wishes to cancel could not be looked up'))
  })

  const stopClaiming = async () => {
    unwatchCancels()
    await Promise.all([dispatcher.stop(), commands.stop()])
  }
  const stop = async () => {
    await stopClaiming()
    await fleet.stop()
  }
  try {
    await fleet.start()
    await commands.start()
    await dispatcher.start()
  } catch (error) {
    await stop()
    throw error
  }
  return { stopClaiming, stop }
}
