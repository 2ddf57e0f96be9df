import type { HostKind } from '../host.js'
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
  ['restart', { fields: ['history'], run: restart }],
  ['power-cycle', { fields: ['printing'], run: powerCycle }],
  ['runout', plain(({ machine }) => machine.runOut())],
  ['thermal-error', { fields: ['message'], run: thermalError }],
])

/** Carries out `POST /printers/:name/<action>`. @throws ControlError 404 for an unknown action, 400 for a bad body */
export async function act(printer: FleetPrinter, name: string, body: Body): Promise<void> {
  const action = ACTIONS.get(name)
  if (!action) throw new ControlError(404, `no such action: ${name}; there are ${[...ACTIONS.keys()].join(', ')}`)
  refuseStrangers(body, action.fields)
  await action.run(printer, body)
}

/** As Marlin and Klipper word it. */
const THERMAL_ERRORS: Readonly<Record<HostKind, string>> = {
  octoprint: 'Thermal Runaway, system stopped! Heater_ID: 0',
  moonraker:
    "Heater extruder not heating at expected rate\nSee the 'verify_heater' section in docs/Config_Reference.md\n" +
    'for the parameters that control this check.\n',
}
const MAX_MESSAGE_CHARACTERS = 1_000

function thermalError({ kind, machine }: FleetPrinter, body: Body): void {
  const message = body['message'] === undefined ? THERMAL_ERRORS[kind] : text(body, 'message')
  if (message.length > MAX_MESSAGE_CHARACTERS) {
    throw new ControlError(400, `message must have at most ${MAX_MESSAGE_CHARACTERS} characters`, 'message')
  }
  machine.emergencyStop(message)
}

async function restart({ host }: FleetPrinter, { history = 'keep' }: Body): Promise<void> {
  if (history !== 'keep' && history !== 'lose') {
    throw new ControlError(400, "history must be 'keep' or 'lose'", 'history')
  }
  await host.restart({ history })
}

async function powerCycle({ host }: FleetPrinter, { printing }: Body): Promise<void> {
  if (printing === undefined) return host.powerCycle()
  if (typeof printing !== 'object' || printing === null || Array.isArray(printing)) {
    throw new ControlError(400, 'printing must be an object, { name, content? }', 'printing')
  }
  refuseStrangers(printing, ['name', 'content'])
  const print = printing as Body
  const content = print['content'] === undefined ? {} : { content: text(print, 'content') }
  return host.powerCycle({ name: text(print, 'name'), ...content })
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
