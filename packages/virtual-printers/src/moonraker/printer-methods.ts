import { readObjects, selectObjects } from './klippy-objects.js'
import type { Caller, Method } from './method.js'
import { objectsParam, type Params, stringParam } from './params.js'
import { ServerError } from './server-error.js'
import { eventTime, type Services } from './services.js'

export const KLIPPER_VERSION = 'v0.13.0-gantry-virtual'

/** Methods that Klipper answers; all of them are 503 while it is away. */
export function printerMethods(services: Services): readonly Method[] {
  const { klippy, script } = services
  return [
    { name: 'printer.info', verb: 'GET', path: '/printer/info', run: () => printerInfo(services) },
    ...objectMethods(services),
    command('printer.print.start', (params) => klippy.startPrint(stringParam(params, 'filename'))),
    command('printer.print.pause', () => klippy.pause()),
    command('printer.print.resume', () => klippy.resume()),
    command('printer.print.cancel', () => klippy.cancel()),
    command('printer.gcode.script', (params) => script.run(stringParam(params, 'script'))),
    command('printer.emergency_stop', () => klippy.emergencyStop()),
    command('printer.restart', () => klippy.restart()),
    command('printer.firmware_restart', () => klippy.restart()),
  ]
}

function objectMethods(services: Services): readonly Method[] {
  const { machine, klippy, clock } = services
  return [
    {
      name: 'printer.objects.list',
      verb: 'GET',
      path: '/printer/objects/list',
      run: () => {
        klippy.requireConnection()
        return { objects: ['gcode', ...Object.keys(readObjects(machine, klippy))] }
      },
    },
    {
      name: 'printer.objects.query',
      verb: 'GET',
      alsoVerb: 'POST',
      path: '/printer/objects/query',
      takesObjects: true,
      run: (params) => {
        klippy.requireConnection()
        const status = selectObjects(readObjects(machine, klippy), objectsParam(params))
        return { eventtime: eventTime(clock), status }
      },
    },
    {
      name: 'printer.objects.subscribe',
      verb: 'POST',
      path: '/printer/objects/subscribe',
      websocketOnly: true,
      run: (params, caller) => subscribe(services, params, caller),
    },
  ]
}

/** A call whose success is the text "ok". */
function command(name: string, run: (params: Params) => Promise<void> | void): Method {
  return {
    name,
    verb: 'POST',
    path: `/${name.replaceAll('.', '/')}`,
    run: async (params) => {
      await run(params)
      return 'ok'
    },
  }
}

function subscribe({ machine, klippy, clock }: Services, params: Params, { connection }: Caller): object {
  klippy.requireConnection()
  if (!connection) throw new ServerError('No connection associated with subscription request')
  const status = connection.subscribe(objectsParam(params), readObjects(machine, klippy))
  return { eventtime: eventTime(clock), status }
}

function printerInfo({ klippy, hostname }: Services): object {
  klippy.requireConnection()
  return {
    state: klippy.state,
    state_message: klippy.stateMessage,
    hostname,
    klipper_path: '/home/pi/klipper',
    python_path: '/home/pi/klippy-env/bin/python',
    log_file: '/home/pi/printer_data/logs/klippy.log',
    config_file: '/home/pi/printer_data/config/printer.cfg',
    software_version: KLIPPER_VERSION,
    cpu_info: 'Gantry virtual printer',
  }
}
