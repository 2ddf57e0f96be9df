import type { CallKind, HostDialect } from '../faults/fault.types.js'
import type { HostCall } from '../net/host-server.types.js'
import { heldBody } from '../net/read-body.js'
import { NO_CONTENT } from './api-error.js'

const FILE = /^\/api\/files\/local\/(.+)$/
const UPLOAD = /^\/api\/files\/local\/?$/

/** What calls to OctoPrint want. Uploads with "print" in their form are uploads. */
export const octoPrintDialect: HostDialect = {
  classify: (call) => ({ kind: kindOf(call), file: FILE.exec(call.path)?.[1] ?? null }),
  startAccepted: () => NO_CONTENT,
}

function kindOf(call: HostCall): CallKind {
  const { method, path } = call
  if (method === 'GET' || method === 'HEAD') return path.startsWith('/api/') ? 'read' : 'other'
  if (method === 'DELETE') return FILE.test(path) ? 'delete' : 'other'
  if (method !== 'POST') return 'other'
  if (UPLOAD.test(path)) return 'upload'
  if (path === '/api/job') return jobCommand(call)
  return FILE.test(path) && isPrint(bodyOf(call)) ? 'start' : 'other'
}

function jobCommand(call: HostCall): CallKind {
  const { command } = bodyOf(call)
  return command === 'start' || command === 'cancel' ? command : 'other'
}

function isPrint({ command, print }: Record<string, unknown>): boolean {
  return command === 'select' && (print === true || print === 'true')
}

function bodyOf({ request }: HostCall): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(heldBody(request))
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {}
  } catch {
    // The host itself refuses what is no JSON.
    return {}
  }
}
