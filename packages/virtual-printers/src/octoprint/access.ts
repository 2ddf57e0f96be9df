import { randomBytes } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { ApiError } from './api-error.js'

export const PERMISSIONS = [
  'STATUS',
  'CONNECTION',
  'WEBCAM',
  'FILES_LIST',
  'FILES_UPLOAD',
  'FILES_SELECT',
  'FILES_DELETE',
  'FILES_DOWNLOAD',
  'PRINT',
  'CONTROL',
  'GCODE_VIEWER',
  'MONITOR_TERMINAL',
  'SETTINGS_READ',
  'SYSTEM',
] as const
export type Permission = (typeof PERMISSIONS)[number]

export interface User {
  /** null for a guest. */
  readonly name: string | null
  readonly groups: readonly string[]
  readonly permissions: ReadonlySet<Permission>
}

const GUEST: User = { name: null, groups: ['guests'], permissions: new Set() }
/** OctoPrint's `accessControl.sessionStaleAfter`. */
const SESSION_STALE_MS = 15 * 60 * 1000
const MAX_SESSIONS = 1000
const DENIED =
  "You don't have the permission to access the requested resource. It is either read-protected or not readable by the server."

/** API keys and the sessions of push sockets. */
export class Access {
  readonly #user: User
  readonly #sessions = new Map<string, number>()

  constructor(
    private readonly apiKey: string,
    permissions: readonly Permission[],
    private readonly wallMs: () => number,
  ) {
    this.#user = { name: 'admin', groups: ['admins', 'users'], permissions: new Set(permissions) }
  }

  /** A missing key makes a guest, a wrong one is refused. @throws ApiError 403 */
  identify(headers: IncomingHttpHeaders, query: URLSearchParams): User {
    const bearer = /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1]
    const header = headers['x-api-key']
    const key = (Array.isArray(header) ? header[0] : header) ?? bearer ?? query.get('apikey')
    if (key === null) return GUEST
    if (key !== this.apiKey) throw new ApiError(403, DENIED)
    return this.#user
  }

  /** @throws ApiError 403, or 400 for a guest's write, as cookie clients need a CSRF token */
  require(user: User, permission: Permission | null, method: string): void {
    if (user.name === null && method !== 'GET' && method !== 'HEAD') throw new ApiError(400, 'CSRF validation failed')
    if (permission !== null && !user.permissions.has(permission)) throw new ApiError(403, DENIED)
  }

  /** A session for `{"auth": "name:session"}` on a push socket. */
  openSession(): string {
    const oldest = this.#sessions.keys().next().value
    if (this.#sessions.size >= MAX_SESSIONS && oldest !== undefined) this.#sessions.delete(oldest)
    const session = randomBytes(16).toString('hex')
    this.#sessions.set(session, this.wallMs())
    return session
  }

  /** The user of a live session, or null. */
  userOfSession(name: string, session: string): User | null {
    const seenMs = this.#sessions.get(session)
    if (name !== this.#user.name || seenMs === undefined || this.wallMs() - seenMs > SESSION_STALE_MS) return null
    this.#sessions.set(session, this.wallMs())
    return this.#user
  }

  endSessions(): void {
    this.#sessions.clear()
  }
}
