import type { VirtualMachine } from '../machine/machine.types.js'
import { PERMISSIONS, type Access, type User } from './access.js'
import { ApiError, json, NO_CONTENT } from './api-error.js'
import { BAUD_RATE, SERIAL_PORT, type OctoPrintInstance } from './octoprint-instance.js'
import { commandBody, jsonBody, type Route } from './router.js'
import { stateText } from './state-view.js'

export const OCTOPRINT_VERSION = '1.11.8'
const PROFILE = '_default'

/** Identity, users, connection, profiles, settings. */
export function systemRoutes(instance: OctoPrintInstance, access: Access): Route[] {
  return [
    { method: 'GET', path: /^\/api\/version$/, permission: 'STATUS', handle: () => json(version()) },
    { method: 'GET', path: /^\/api\/server$/, permission: 'STATUS', handle: () => json(server()) },
    { method: 'GET', path: /^\/api\/currentuser$/, permission: 'guest', handle: ({ user }) => json(currentUser(user)) },
    {
      method: 'POST',
      path: /^\/api\/login$/,
      permission: 'guest',
      handle: async (call) => {
        const body = await jsonBody(call)
        if (body['passive'] !== true) throw new ApiError(403, 'User unknown or password invalid')
        return json(login(call.user, access))
      },
    },
    { method: 'GET', path: /^\/api\/connection$/, permission: 'STATUS', handle: () => json(connection(instance)) },
    {
      method: 'POST',
      path: /^\/api\/connection$/,
      permission: 'CONNECTION',
      handle: async (call) => {
        const { command, body } = await commandBody(call, ['connect', 'disconnect', 'fake_ack'])
        if (command === 'connect') connect(instance, body)
        if (command === 'disconnect') instance.disconnect()
        return NO_CONTENT
      },
    },
    {
      method: 'GET',
      path: /^\/api\/printerprofiles$/,
      permission: 'CONNECTION',
      handle: ({ origin }) => json({ profiles: { [PROFILE]: profile(instance.machine, origin) } }),
    },
    { method: 'GET', path: /^\/api\/settings$/, permission: 'SETTINGS_READ', handle: () => json({ webcam: webcam() }) },
    // A headless install has no system commands configured.
    {
      method: 'GET',
      path: /^\/api\/system\/commands$/,
      permission: 'SYSTEM',
      handle: () => json({ core: [], custom: [] }),
    },
  ]
}

function version(): object {
  return { api: '0.1', server: OCTOPRINT_VERSION, text: `OctoPrint ${OCTOPRINT_VERSION}` }
}

function server(): object {
  return { version: OCTOPRINT_VERSION, safemode: null }
}

function currentUser(user: User): object {
  return { name: user.name, permissions: PERMISSIONS.filter((name) => user.permissions.has(name)), groups: user.groups }
}

function login(user: User, access: Access): object {
  const record = { ...currentUser(user), active: true, admin: user.groups.includes('admins'), user: user.name !== null }
  return user.name === null ? record : { ...record, apikey: null, settings: {}, session: access.openSession() }
}

function connection({ link, machine }: OctoPrintInstance): object {
  const on = link === 'connected'
  return {
    current: {
      state: stateText(link, machine.state),
      port: on ? SERIAL_PORT : null,
      baudrate: on ? BAUD_RATE : null,
      printerProfile: PROFILE,
    },
    options: {
      ports: [SERIAL_PORT],
      baudrates: [BAUD_RATE],
      printerProfiles: [{ id: PROFILE, name: 'Default' }],
      portPreference: SERIAL_PORT,
      baudratePreference: BAUD_RATE,
      printerProfilePreference: PROFILE,
      autoconnect: true,
    },
  }
}

function connect(instance: OctoPrintInstance, body: Record<string, unknown>): void {
  const { port, baudrate, printerProfile } = body
  if (port !== undefined && port !== SERIAL_PORT) throw new ApiError(400, `Invalid port: ${JSON.stringify(port)}`)
  if (baudrate !== undefined && baudrate !== BAUD_RATE) {
    throw new ApiError(400, `Invalid baudrate: ${JSON.stringify(baudrate)}`)
  }
  if (printerProfile !== undefined && printerProfile !== PROFILE) {
    throw new ApiError(400, `Invalid printer profile: ${JSON.stringify(printerProfile)}`)
  }
  instance.connect()
}

function profile({ heaters, nozzleMm }: VirtualMachine, origin: string): object {
  // One of the heaters is the bed.
  const nozzles = Object.keys(heaters).length - 1
  return {
    id: PROFILE,
    name: 'Default',
    model: 'Virtual Printer',
    default: true,
    current: true,
    resource: `${origin}/api/printerprofiles/${PROFILE}`,
    volume: { formFactor: 'rectangular', origin: 'lowerleft', width: 250, depth: 210, height: 210, custom_box: false },
    heatedBed: true,
    heatedChamber: false,
    extruder: { count: nozzles, nozzleDiameter: nozzleMm ?? 0.4, offsets: [[0, 0]], sharedNozzle: false },
  }
}

function webcam(): object {
  return {
    webcamEnabled: false,
    streamUrl: '',
    snapshotUrl: '',
    flipH: false,
    flipV: false,
    rotate90: false,
    streamRatio: '16:9',
    defaultWebcam: null,
    snapshotWebcam: null,
    webcams: [],
  }
}
