import type { ArmedFault, FaultOrder } from '../faults/fault.types.js'
import type { HostReply } from '../net/host-server.types.js'
import { ControlError } from './control-error.js'
import type { Fleet, FleetPrinter } from './fleet.js'

type Body = () => Promise<Record<string, unknown>>

/** `/printers/:name/faults`. */
export async function printerFaults({ faults }: FleetPrinter, method: string, body: Body): Promise<HostReply> {
  switch (method) {
    case 'GET':
      return { status: 200, json: faults.list() }
    case 'POST':
      return { status: 200, json: faults.arm(orderIn(await body())) }
    case 'DELETE':
      return { status: 200, json: { disarmed: faults.disarm() } }
    default:
      throw new ControlError(405, `faults know GET, POST and DELETE, not ${method}`)
  }
}

/** `/faults`: the same for every printer. */
export async function fleetFaults({ printers }: Fleet, method: string, body: Body): Promise<HostReply> {
  switch (method) {
    case 'GET':
      return {
        status: 200,
        json: printers.flatMap((printer) => printer.faults.list().map((fault) => at(printer, fault))),
      }
    case 'POST': {
      const order = orderIn(await body())
      return { status: 200, json: printers.map((printer) => at(printer, printer.faults.arm(order))) }
    }
    case 'DELETE':
      return { status: 200, json: { disarmed: printers.reduce((sum, { faults }) => sum + faults.disarm(), 0) } }
    default:
      throw new ControlError(405, `faults know GET, POST and DELETE, not ${method}`)
  }
}

function at({ name }: FleetPrinter, fault: ArmedFault): object {
  return { printer: name, ...fault }
}

/** Arming reads it field by field. */
function orderIn(body: Record<string, unknown>): FaultOrder {
  return body as unknown as FaultOrder
}
