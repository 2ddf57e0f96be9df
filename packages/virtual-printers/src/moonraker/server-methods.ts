import { booleanParam, numberParam, type Params, stringParam } from './params.js'
import type { Caller, Method } from './method.js'
import { readProcStats, readSystemInfo } from './proc-stats.js'
import { ServerError } from './server-error.js'
import type { Services } from './services.js'

export const MOONRAKER_VERSION = 'v0.10.0-31-gantry-virtual'
const API_VERSION = [1, 5, 0] as const
const CLIENT_TYPES: ReadonlySet<string> = new Set(['web', 'mobile', 'desktop', 'display', 'bot', 'agent', 'other'])
const COMPONENTS = [
  'application', 'websockets', 'klippy_connection', 'authorization', 'file_manager', 'klippy_apis', 'machine',
  'proc_stats', 'history', 'webcam', 'job_state',
] as const // prettier-ignore

/** Methods about the server itself, its clients and the machine that it runs on. */
export function serverMethods(services: Services): readonly Method[] {
  const { authorization, connections, webcams } = services
  return [
    { name: 'server.info', verb: 'GET', path: '/server/info', run: () => serverInfo(services) },
    {
      name: 'server.connection.identify',
      verb: 'POST',
      path: '/server/connection/identify',
      isPublic: true,
      websocketOnly: true,
      run: (params, caller) => identify(services, params, caller),
    },
    {
      name: 'access.info',
      verb: 'GET',
      path: '/access/info',
      isPublic: true,
      run: () => ({
        default_source: 'moonraker',
        available_sources: ['moonraker'],
        login_required: false,
        trusted: authorization.isTrusting,
      }),
    },
    {
      name: 'access.oneshot_token',
      verb: 'GET',
      path: '/access/oneshot_token',
      run: () => authorization.createOneshotToken(),
    },
    { name: 'access.get_api_key', verb: 'GET', path: '/access/api_key', run: () => authorization.apiKey },
    {
      name: 'server.webcams.list',
      verb: 'GET',
      path: '/server/webcams/list',
      run: () => ({ webcams: webcams.map(webcamEntry) }),
    },
    {
      name: 'machine.system_info',
      verb: 'GET',
      path: '/machine/system_info',
      run: () => ({ system_info: readSystemInfo() }),
    },
    {
      name: 'machine.proc_stats',
      verb: 'GET',
      path: '/machine/proc_stats',
      run: () => ({ ...readProcStats(connections.count), moonraker_stats: [], throttled_state: null }),
    },
  ]
}

/** Methods of the job history. */
export function historyMethods({ history }: Services): readonly Method[] {
  return [
    {
      name: 'server.history.list',
      verb: 'GET',
      path: '/server/history/list',
      run: (params) => {
        const jobs = history.list(historyQuery(params))
        return { count: jobs.length, jobs }
      },
    },
    {
      name: 'server.history.totals',
      verb: 'GET',
      path: '/server/history/totals',
      run: () => ({ job_totals: history.totals(), auxiliary_totals: [] }),
    },
    {
      name: 'server.history.get_job',
      verb: 'GET',
      path: '/server/history/job',
      run: (params) => ({ job: history.get(stringParam(params, 'uid')) }),
    },
    {
      name: 'server.history.delete_job',
      verb: 'DELETE',
      path: '/server/history/job',
      run: (params) => ({
        deleted_jobs: history.delete(booleanParam(params, 'all', false) ? null : stringParam(params, 'uid')),
      }),
    },
  ]
}

function historyQuery(params: Params): Parameters<Services['history']['list']>[0] {
  const order = stringParam(params, 'order', 'desc').toLowerCase()
  if (order !== 'asc' && order !== 'desc') throw new ServerError(`Invalid \`order\` value: ${order.toUpperCase()}`)
  const bound = (name: string): number | null => {
    const value = numberParam(params, name, -1)
    return value === -1 ? null : value
  }
  return {
    limit: numberParam(params, 'limit', 50),
    start: numberParam(params, 'start', 0),
    since: bound('since'),
    before: bound('before'),
    order,
  }
}

function serverInfo({ klippy, connections }: Services): object {
  return {
    klippy_connected: klippy.isConnected,
    klippy_state: klippy.state,
    components: COMPONENTS,
    failed_components: [],
    registered_directories: ['config', 'gcodes'],
    warnings: [],
    websocket_count: connections.count,
    moonraker_version: MOONRAKER_VERSION,
    missing_klippy_requirements: [],
    api_version: API_VERSION,
    api_version_string: API_VERSION.join('.'),
  }
}

/** A key is looked at only where it is needed; a trusted client may send a wrong one. */
function identify({ authorization }: Services, params: Params, { connection }: Caller): object {
  if (!connection) throw new ServerError('No connection associated with identify request')
  connection.requireUnidentified()
  const identity = {
    name: stringParam(params, 'client_name'),
    version: stringParam(params, 'version'),
    type: stringParam(params, 'type').toLowerCase(),
    url: stringParam(params, 'url'),
  }
  if (!connection.isAuthorized) {
    if (params.api_key === undefined) throw new ServerError('Unauthorized', 401)
    if (!authorization.isApiKey(stringParam(params, 'api_key'))) throw new ServerError('Invalid API Key', 401)
    connection.isAuthorized = true
  }
  if (!CLIENT_TYPES.has(identity.type)) throw new ServerError(`Invalid Client Type: ${identity.type}`)
  connection.identify(identity)
  return { connection_id: connection.id }
}

function webcamEntry(webcam: Services['webcams'][number], index: number): object {
  return {
    name: webcam.name,
    enabled: true,
    icon: 'mdiWebcam',
    aspect_ratio: '4:3',
    target_fps: 15,
    target_fps_idle: 5,
    location: 'printer',
    service: 'mjpegstreamer',
    stream_url: webcam.streamUrl,
    snapshot_url: webcam.snapshotUrl,
    flip_horizontal: false,
    flip_vertical: false,
    rotation: 0,
    source: 'config',
    extra_data: {},
    uid: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
  }
}
