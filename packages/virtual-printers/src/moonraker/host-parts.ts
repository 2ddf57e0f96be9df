import { randomBytes } from 'node:crypto'
import { FileStore } from '../files/file-store.js'
import type { VirtualMachine } from '../machine/machine.types.js'
import { Authorization } from './authorization.js'
import type { Connection } from './connection.js'
import { Connections } from './connections.js'
import { fileMethods } from './file-methods.js'
import { FileOperations } from './file-operations.js'
import { GcodeScript } from './gcode-script.js'
import { HistoryStore } from './history-store.js'
import { JobWatch } from './job-watch.js'
import { Klippy } from './klippy.js'
import { type Method, methodTable } from './method.js'
import type { MoonrakerHostOptions } from './moonraker-host.js'
import { printerMethods } from './printer-methods.js'
import { ServedFiles } from './served-files.js'
import { historyMethods, serverMethods } from './server-methods.js'
import type { Services } from './services.js'

const KLIPPY_RESTART_MS = 3_000

/** Everything behind the sockets of one host. */
export interface HostParts {
  readonly services: Services
  readonly jobs: JobWatch
  readonly methods: ReadonlyMap<string, Method>
}

/** Builds the parts of a host and lets Klipper's events reach the clients. */
export function createHostParts(
  machine: VirtualMachine,
  options: MoonrakerHostOptions,
  onMessage: (connection: Connection, text: string) => Promise<void>,
): HostParts {
  const { clock, scheduler, dataDir } = options
  const wallMs = (): number => clock.wallMs()
  const connections = new Connections(onMessage)
  const files = new ServedFiles(new FileStore(dataDir, wallMs), wallMs)
  const klippy = new Klippy({ machine, files, scheduler, restartMs: options.klippyRestartMs ?? KLIPPY_RESTART_MS })
  const history = new HistoryStore((filename, modified) => files.isUnchanged(filename, modified))
  const onHistoryChanged = (action: string, job: object): void =>
    connections.notifyAll('history_changed', { action, job })
  const jobs = new JobWatch({ klippy, files, history, wallMs, onHistoryChanged })
  const onChange = (change: object): void => connections.notifyAll('filelist_changed', change)
  const services: Services = {
    hostname: machine.name,
    machine,
    clock,
    klippy,
    script: new GcodeScript(klippy, machine),
    files,
    fileOperations: new FileOperations({ files, jobs, klippy, onChange }),
    history,
    authorization: new Authorization(
      options.apiKey ?? randomBytes(16).toString('hex'),
      !(options.requireApiKey ?? false),
    ),
    connections,
    webcams: options.webcams ?? [],
  }
  forwardKlippyEvents(klippy, connections)
  const tables = [serverMethods, printerMethods, fileMethods, historyMethods]
  return { services, jobs, methods: methodTable(tables.flatMap((table) => table(services))) }
}

function forwardKlippyEvents(klippy: Klippy, connections: Connections): void {
  klippy.on('ready', () => connections.notifyAll('klippy_ready'))
  klippy.on('shutdown', () => connections.notifyAll('klippy_shutdown'))
  klippy.on('response', (line) => connections.notifyAll('gcode_response', line))
  klippy.on('disconnected', () => {
    // Subscriptions die with Klippy: whoever wants reports afterwards has to ask again.
    connections.unsubscribeAll()
    connections.notifyAll('klippy_disconnected')
  })
}
