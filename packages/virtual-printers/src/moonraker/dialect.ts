import type { CallKind, HostDialect } from '../faults/fault.types.js'
import type { HostCall } from '../net/host-server.types.js'
import { heldBody } from '../net/read-body.js'
import { isRecord, type Params } from './params.js'

const FILE = /^\/server\/files\/gcodes\/(.+)$/
const JSON_RPC = '/server/jsonrpc'
const START = /^SDCARD_PRINT_FILE\s+FILENAME=(?:"([^"]*)"|(\S+))/im
const CANCEL = /^CANCEL_PRINT\b/im
/** Methods that change nothing; identify and subscribe are how a connection begins, and so none of them. */
const READS =
  /^(?:printer\.(?:info|objects\.(?:list|query))|server\.(?:info|webcams\.list|files\.\w+|history\.(?:list|totals|get_job))|machine\.\w+|access\.\w+)$/

interface Meaning {
  readonly kind: CallKind
  readonly file: string | null
}

/** What calls to Moonraker want, over HTTP and as JSON-RPC alike. Uploads with "print" in their form are uploads. */
export const moonrakerDialect: HostDialect = {
  classify: meaningOf,
  startAccepted: ({ channel, path, request }) => {
    if (channel === 'socket') return { status: 200, json: { result: 'ok' } }
    if (path !== JSON_RPC) return { status: 200, json: { result: 'ok' } }
    return { status: 200, json: { jsonrpc: '2.0', result: 'ok', id: recordIn(heldBody(request)).id ?? null } }
  },
}

function meaningOf(call: HostCall): Meaning {
  const { channel, method, path, params, query, request } = call
  if (channel === 'socket') return rpcMeaning(method, isRecord(params) ? params : {})
  if (path === JSON_RPC) {
    const { method: name, params: given } = recordIn(heldBody(request))
    return rpcMeaning(typeof name === 'string' ? name : '', isRecord(given) ? given : {})
  }
  if (path === '/server/files/upload') return { kind: 'upload', file: null }
  const file = FILE.exec(path)?.[1] ?? null
  if (method === 'DELETE') return { kind: file === null ? 'other' : 'delete', file }
  if (method === 'GET') return { kind: path === '/websocket' ? 'other' : 'read', file }
  // Commands over HTTP are named like their methods.
  return rpcMeaning(path.slice(1).replaceAll('/', '.'), {
    ...Object.fromEntries(query),
    ...recordIn(heldBody(request)),
  })
}

function rpcMeaning(method: string, params: Params): Meaning {
  switch (method) {
    case 'printer.print.start':
      return { kind: 'start', file: textOf(params.filename)?.replace(/^\//, '') ?? null }
    case 'printer.print.cancel':
      return { kind: 'cancel', file: null }
    case 'server.files.delete_file':
      return { kind: 'delete', file: textOf(params.path)?.replace(/^\/?gcodes\//, '') ?? null }
    case 'printer.gcode.script':
      return scriptMeaning(textOf(params.script) ?? '')
    default:
      return { kind: READS.test(method) ? 'read' : 'other', file: null }
  }
}

function scriptMeaning(script: string): Meaning {
  const start = START.exec(script)
  if (start) return { kind: 'start', file: start[1] ?? start[2] ?? null }
  return { kind: CANCEL.test(script) ? 'cancel' : 'other', file: null }
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function recordIn(body: string): Params {
  try {
    const value: unknown = JSON.parse(body)
    return isRecord(value) ? value : {}
  } catch {
    // Not for a dialect to judge: the host passes it over or refuses it.
    return {}
  }
}
