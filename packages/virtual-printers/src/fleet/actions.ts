import { ControlError, refuseStrangers } from './control-error.js'
import type { FleetPrinter } from './fleet.js'

type Body = Record<string, unknown>

interface Action {
  /** Fields that the body may have. */
  readonly fields: readonly string[]
  readonly run: (printer: FleetPrinter, body: Body) => void | Promise<void>
}

const plain = (run: (printer: FleetPrinter) => void | Promise<void>): Action => ({ fields: [], run })

/** What a person can do at a printer, or at its plug, and what happens to a machine. */
const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ['clear-bed', plain(({ machine }) => machine.clearBed())],
  ['cancel-at-panel', plain(({ machine }) => machine.cancelAtPanel())],
  ['start-at-panel', { fields: ['name', 'content'], run: startAtPanel }],
  ['emergency-stop', plain(({ machine }) => machine.emergencyStop('the button at the printer'))],
  ['finish-print', plain(({ machine }) => machine.finishPrint())],
  ['offline', plain(({ host }) => host.goOffline())],
  ['online', plain(({ host }) => host.goOnline())],
  ['restart', plain(({ host }) => host.restart())],
])

/** Carries out `POST /printers/:name/<action>`. @throws ControlError 404 for an unknown action, 400 for a bad body */
export async function act(printer: FleetPrinter, name: string, body: Body): Promise<void> {
  const action = ACTIONS.get(name)
  if (!action) throw new ControlError(404, `no such action: ${name}; there are ${[...ACTIONS.keys()].join(', ')}`)
  refuseStrangers(body, action.fields)
  await action.run(printer, body)
}

async function startAtPanel({ host }: FleetPrinter, body: Body): Promise<void> {
  const name = text(body, 'name')
  await host.startAtPanel(name, body['content'] === undefined ? undefined : text(body, 'content'))
}

function text(body: Body, field: string): string {
  const value = body[field]
  if (typeof value === 'string') return value
  throw new ControlError(400, `${field} must be a string`, field)
}
