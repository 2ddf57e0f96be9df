import { ApiError, json, NO_CONTENT } from './api-error.js'
import type { OctoPrintInstance } from './octoprint-instance.js'
import { commandBody, jsonBody, numberField, type Route, type RouteCall } from './router.js'
import { stateBlock, temperatures } from './state-view.js'
import type { HostReply } from '../net/host-server.types.js'

type Handler = (instance: OctoPrintInstance, call: RouteCall) => HostReply | Promise<HostReply>

const ROUTES: readonly (readonly [method: string, path: RegExp, handle: Handler])[] = [
  ['POST', /^\/api\/printer\/command$/, command],
  ['POST', /^\/api\/printer\/tool$/, tool],
  ['POST', /^\/api\/printer\/bed$/, bed],
  ['POST', /^\/api\/printer\/chamber$/, chamber],
  ['POST', /^\/api\/printer\/printhead$/, printhead],
]

/** `/api/printer` and its commands. */
export function printerRoutes(instance: OctoPrintInstance): Route[] {
  const commands = ROUTES.map(([method, path, handle]) => ({
    method,
    path,
    permission: 'CONTROL' as const,
    handle: (call: RouteCall) => handle(instance, call),
  }))
  return [
    ...commands,
    { method: 'GET', path: /^\/api\/printer$/, permission: 'STATUS', handle: (call) => fullState(instance, call) },
    { method: 'GET', path: /^\/api\/printer\/error$/, permission: 'STATUS', handle: () => json(lastError(instance)) },
  ]
}

function fullState(instance: OctoPrintInstance, { call }: RouteCall): HostReply {
  instance.requireOperational()
  const excluded = (call.query.get('exclude') ?? '').split(',')
  const view: Record<string, object> = {}
  if (!excluded.includes('state')) view['state'] = stateBlock(instance)
  if (!excluded.includes('temperature')) view['temperature'] = temperatures(instance, true)
  if (!excluded.includes('sd')) view['sd'] = { ready: true }
  return json(view)
}

function lastError(instance: OctoPrintInstance): object {
  const { errorText } = instance
  if (errorText === '') return { consequence: null, error: null, faq: null, reason: null }
  return { consequence: 'emergency', error: errorText, faq: null, reason: 'firmware' }
}

async function command(instance: OctoPrintInstance, call: RouteCall): Promise<HostReply> {
  instance.requireOperational()
  const body = await jsonBody(call)
  const commands = body['commands'] ?? (body['command'] === undefined ? undefined : [body['command']])
  if (!Array.isArray(commands) || !commands.every((line) => typeof line === 'string')) {
    throw new ApiError(400, 'Need either single command, multiple commands or a script')
  }
  send(instance, commands.join('\n'))
  return NO_CONTENT
}

async function tool(instance: OctoPrintInstance, call: RouteCall): Promise<HostReply> {
  instance.requireOperational()
  const { command: name, body } = await commandBody(call, ['target', 'select', 'extrude', 'flowrate'])
  if (name === 'target') targets(instance, body['targets'])
  else if (name === 'flowrate') send(instance, `M221 S${numberField(body, 'factor', 75, 125)}`)
  else {
    requireIdle(instance)
    if (name === 'select') send(instance, `T${toolIndex(instance, body['tool'])}`)
    else send(instance, `M83\nG1 E${numberField(body, 'amount', -1000, 1000)} F${speed(body, 300)}\nM82`)
  }
  return NO_CONTENT
}

function targets(instance: OctoPrintInstance, value: unknown): void {
  if (typeof value !== 'object' || value === null) throw new ApiError(400, 'targets is missing')
  const lines = Object.entries(value).map(([name, target]) => {
    if (typeof target !== 'number' || target < 0 || target > 999) {
      throw new ApiError(400, `Not a valid value for ${name}: ${JSON.stringify(target)}`)
    }
    return `M104 T${toolIndex(instance, name)} S${target}`
  })
  send(instance, lines.join('\n'))
}

function toolIndex(instance: OctoPrintInstance, name: unknown): number {
  if (name === 'tool') return instance.machine.activeTool
  if (typeof name === 'string' && name.startsWith('tool') && name in instance.machine.heaters) {
    return Number(name.slice(4))
  }
  throw new ApiError(400, `Invalid tool: ${JSON.stringify(name)}`)
}

async function bed(instance: OctoPrintInstance, call: RouteCall): Promise<HostReply> {
  instance.requireOperational()
  const { body } = await commandBody(call, ['target'])
  send(instance, `M140 S${numberField(body, 'target', 0, 999)}`)
  return NO_CONTENT
}

function chamber(): HostReply {
  throw new ApiError(409, 'Printer does not have a heated chamber')
}

async function printhead(instance: OctoPrintInstance, call: RouteCall): Promise<HostReply> {
  instance.requireOperational()
  const { command: name, body } = await commandBody(call, ['home', 'jog', 'feedrate'])
  if (name === 'feedrate') {
    send(instance, `M220 S${numberField(body, 'factor', 50, 200)}`)
    return NO_CONTENT
  }
  requireIdle(instance)
  send(instance, name === 'home' ? homeLine(body['axes']) : jogLines(body))
  return NO_CONTENT
}

function homeLine(axes: unknown): string {
  const list: unknown[] = Array.isArray(axes) ? axes : [null]
  const words = list.map((axis) => (axis === 'x' || axis === 'y' || axis === 'z' ? axis.toUpperCase() : null))
  if (words.includes(null)) throw new ApiError(400, `Invalid axes: ${JSON.stringify(axes)}`)
  return ['G28', ...words].join(' ')
}

function jogLines(body: Record<string, unknown>): string {
  const axes = ['x', 'y', 'z'].filter((axis) => body[axis] !== undefined)
  if (axes.length === 0) throw new ApiError(400, 'No axes given')
  const words = axes.map((axis) => `${axis.toUpperCase()}${numberField(body, axis, -10_000, 10_000)}`)
  const move = `G1 ${words.join(' ')} F${speed(body, 3000)}`
  return body['absolute'] === true ? `G90\n${move}` : `G91\n${move}\nG90`
}

function speed(body: Record<string, unknown>, otherwise: number): number {
  return body['speed'] === undefined ? otherwise : numberField(body, 'speed', 1, 100_000)
}

function requireIdle(instance: OctoPrintInstance): void {
  if (instance.hasActiveJob && instance.machine.state !== 'paused') {
    throw new ApiError(409, 'Printer is currently printing')
  }
}

/** OctoPrint never tells what became of a command: it is answered before it is sent. */
function send(instance: OctoPrintInstance, script: string): void {
  instance.machine.sendGcode(script).catch(() => undefined)
}
