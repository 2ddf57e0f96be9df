import { FaultError } from '../faults/fault.types.js'
import { MachineError } from '../machine/machine.types.js'
import { HostServer } from '../net/host-server.js'
import type { HostCall, HostReply } from '../net/host-server.types.js'
import { ServerError } from '../moonraker/server-error.js'
import { BodyTooLargeError, readBody } from '../net/read-body.js'
import { ApiError } from '../octoprint/api-error.js'
import { act } from './actions.js'
import { ControlError, refuseStrangers } from './control-error.js'
import { fleetFaults, printerFaults } from './control-faults.js'
import type { Fleet, FleetPrinter } from './fleet.js'

/** A print file may come along with `start-at-panel`. */
const MAX_BODY_BYTES = 16 * 1024 * 1024

export interface ControlServer extends AsyncDisposable {
  readonly url: string
  stop(): Promise<void>
}

/**
 * The control API of a fleet, by which another process acts as the person at the printers. It has no login: listen on
 * loopback only. @throws when the port is taken
 */
export async function startControlServer(
  fleet: Fleet,
  options: { readonly host?: string; readonly port?: number } = {},
): Promise<ControlServer> {
  const server = new HostServer({
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    handler: (call) => route(fleet, call),
    onUpgrade: (_request, socket) => socket.destroy(),
    onError: errorReply,
  })
  await server.goOnline()
  const stop = (): Promise<void> => server.goOffline()
  return { url: server.url, stop, [Symbol.asyncDispose]: stop }
}

async function route(fleet: Fleet, call: HostCall): Promise<HostReply> {
  const [noun = '', name, part] = call.path.split('/').slice(1)
  const body = (): Promise<Record<string, unknown>> => objectBody(call)
  if (noun === 'faults') return fleetFaults(fleet, call.method, body)
  if (noun === 'printers' && part === 'faults') return printerFaults(find(fleet, name), call.method, body)
  switch (`${call.method} ${noun}`) {
    case 'GET printers':
      if (name === undefined) return ok(fleet.printers.map(printerView))
      return ok(part === 'starts' ? find(fleet, name).machine.starts : printerView(find(fleet, name)))
    case 'POST printers': {
      const printer = find(fleet, name)
      await act(printer, part ?? '', await body())
      return ok(printerView(printer))
    }
    case 'POST clear-beds':
      return ok({ cleared: fleet.clearBeds() })
    case 'GET starts':
      return ok(fleet.starts())
    case 'GET counts':
      return ok(fleet.counts())
    case 'GET speed':
      return ok({ speed: fleet.speed })
    case 'POST speed':
      return setSpeed(fleet, await body())
    default:
      throw new ControlError(404, `no such call: ${call.method} ${call.path}`)
  }
}

function setSpeed(fleet: Fleet, { speed, ...others }: Record<string, unknown>): HostReply {
  refuseStrangers(others, ['speed'])
  if (typeof speed !== 'number') throw new ControlError(400, 'speed must be a number', 'speed')
  fleet.setSpeed(speed)
  return ok({ speed: fleet.speed })
}

function find(fleet: Fleet, name: string | undefined): FleetPrinter {
  const printer = fleet.printers.find((candidate) => candidate.name === name)
  if (!printer) throw new ControlError(404, `no printer is named ${JSON.stringify(name ?? '')}`)
  return printer
}

function printerView({ name, kind, url, apiKey, machine, host }: FleetPrinter): object {
  const { state, bed, material, nozzleMm, job, lastJob, heaters, shutdownReason } = machine
  const identity = { name, kind, url, apiKey, material, nozzleMm }
  return { ...identity, online: host.online, state, shutdownReason, bed, heaters, job, lastJob }
}

/** An absent body is an empty object. */
async function objectBody(call: HostCall): Promise<Record<string, unknown>> {
  const text = await readBody(call.request, MAX_BODY_BYTES)
  if (text === '') return {}
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>
  } catch {
    throw new ControlError(400, 'the body is no JSON')
  }
  throw new ControlError(400, 'the body is no JSON object')
}

function ok(json: unknown): HostReply {
  return { status: 200, json }
}

function errorReply(error: unknown): HostReply {
  const message = error instanceof Error ? error.message : String(error)
  const field = error instanceof ControlError || error instanceof FaultError ? error.field : null
  return { status: statusOf(error), json: { error: message, ...(field === null ? {} : { field }) } }
}

function statusOf(error: unknown): number {
  if (error instanceof ControlError) return error.status
  if (error instanceof FaultError) return error.field === null ? 409 : 400
  if (error instanceof ApiError || error instanceof ServerError) return error.status
  if (error instanceof MachineError) return 409
  if (error instanceof RangeError) return 400
  return error instanceof BodyTooLargeError ? 413 : 500
}
