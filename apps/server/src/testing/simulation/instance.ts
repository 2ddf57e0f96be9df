import { GantryError, NO_TRACER, type Logger } from '../../kernel/index.js'
import { AttemptConduct, CONDUCT_TIMINGS, type ConductTimings } from '../../modules/print-jobs/attempt-conduct.js'
import { AttemptLedger } from '../../modules/print-jobs/attempt-ledger.js'
import { Dispatcher, DISPATCHER_TIMINGS } from '../../modules/print-jobs/dispatcher.js'
import { ForeignPrints } from '../../modules/print-jobs/foreign-prints.js'
import { PastPrints } from '../../modules/print-jobs/past-prints.js'
import { PrinterWorker } from '../../modules/print-jobs/printer-worker.js'
import { UPLOAD_LIMITS, UploadSlots } from '../../modules/print-jobs/upload-slots.js'
import { Fleet } from '../../modules/printers/fleet.js'
import { LEASE_TIMINGS } from '../../modules/printers/lease-keeper.js'
import { PrinterAlarms } from '../../modules/printers/printer-alarms.js'
import type { DriverConnection } from '../../modules/printers/printer-driver.port.js'
import { SUPERVISOR_TIMINGS } from '../../modules/printers/printer-supervisor.js'
import type { SimulatedBus } from './bus.js'
import { SimulatedDriver, emptySource, type CallFaults } from './connection.js'
import type { SimulatedHost } from './host.js'
import type { SimulatedProcess } from './process.js'
import type { SimulatedRepositories } from './repositories.js'
import { readsBy, type SimulatedStore } from './store.js'

/** Seldom: what events should do is not left to sweeps, and a run costs less. */
const SWEEP_EVERY_MS = 6_000

const HEATER_ON_MS = 30 * 60_000

/** Ways to break Gantry on purpose, so that it is seen that the simulation would notice. */
export interface Sabotage {
  conductTimings?: Partial<ConductTimings>
  /** What a server has in place of its connection to a host. */
  connection?: (connection: DriverConnection) => DriverConnection
  /** What a server has in place of its repositories. */
  repositories?: (repositories: SimulatedRepositories) => SimulatedRepositories
}

export interface InstanceDeps {
  process: SimulatedProcess
  store: SimulatedStore
  bus: SimulatedBus
  hosts: ReadonlyMap<string, SimulatedHost>
  callFaults: CallFaults
  sabotage: Sabotage
  /** An error that no fault of the simulation explains. */
  unexpected: (error: unknown, message: string) => void
}

export interface Instance {
  process: SimulatedProcess
  /** What a shutdown does. */
  stop(): Promise<void>
}

/** The fleet role of one server, put together as the composition root does it. */
export const startInstance = (deps: InstanceDeps): Instance => {
  const { process, store, hosts, sabotage } = deps
  const { clock } = process
  const log = loggerOf(deps)
  const unitOfWork = store.unitOfWork(process, sabotage.repositories)
  const reads = readsBy(unitOfWork)
  const bus = deps.bus.endIn(process)
  const driver = new SimulatedDriver(process, hosts, deps.callFaults, sabotage.connection)
  const random = () => process.world.chance(`jitter of ${process.id}`)
  const ledger = new AttemptLedger(unitOfWork, reads)
  const openFile = () => Promise.resolve(emptySource)
  const timings = { ...CONDUCT_TIMINGS, ...sabotage.conductTimings }
  const uploads = new UploadSlots(clock, UPLOAD_LIMITS)
  const conduct = new AttemptConduct({ ledger, openFile, uploads, timings, log })
  const foreign = new ForeignPrints(unitOfWork, clock, log)
  const past = new PastPrints(unitOfWork)
  const worker = new PrinterWorker({
    ...{ ledger, conduct, foreign, past, clock, log, tracer: NO_TRACER },
    onFree: () => dispatcher.request(),
    onRest: (printerId, untilMs) => fleet.find(printerId)?.showRest(untilMs),
  })
  const alarms = new PrinterAlarms(unitOfWork, { clock, alarmAfterMs: HEATER_ON_MS }, log)
  const fleet: Fleet = new Fleet({
    ...{ unitOfWork, reads, leases: unitOfWork, bus, clock, random, log, worker, alarms, instanceId: process.id },
    drivers: { driverFor: () => driver },
    sealer: { seal: (plain) => plain, open: (cipher) => cipher },
    timings: SUPERVISOR_TIMINGS,
    leaseTimings: LEASE_TIMINGS,
  })
  const dispatcher: Dispatcher = new Dispatcher({
    ...{ unitOfWork, reads, fleet, worker, bus, clock, log },
    timings: { ...DISPATCHER_TIMINGS, sweepEveryMs: SWEEP_EVERY_MS },
  })
  bus.onWake('printer.command', () => {
    worker.noticeCancels().catch((err: unknown) => log.error({ err }, 'wishes to cancel could not be looked up'))
  })
  const started = fleet.start().then(() => dispatcher.start())
  const stop = async () => {
    await started
    await dispatcher.stop()
    await fleet.stop()
  }
  return { process, stop }
}

/** Whatever is logged as an error must follow from a fault that was put in. */
const loggerOf = ({ process, unexpected }: InstanceDeps): Logger => {
  const log: Logger = {
    isEnabled: () => true,
    debug: () => undefined,
    info: () => undefined,
    warn: (fields, message) => process.world.tell(`${process.id} warns: ${message}${detailOf(fields)}`),
    error: (fields, message) => {
      const { err } = fields as { err?: unknown }
      process.world.tell(`${process.id} reports: ${message}${detailOf(fields)}`)
      if (!(err instanceof GantryError && err.code === 'UNAVAILABLE')) unexpected(err, message)
    },
    child: () => log,
  }
  return log
}

const detailOf = (fields: object): string => {
  const { err } = fields as { err?: unknown }
  return err instanceof Error ? ` (${err.message})` : ''
}
