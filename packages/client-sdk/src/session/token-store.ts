/** What the client remembers of a login. Plain JSON. */
export interface StoredSession {
  accessToken: string
  refreshToken: string
  /** By the clock of this machine, in milliseconds; null: only when the server refuses the token. */
  refreshAtMs: number | null
}

/** Where a session is kept. Read before every request, so that whoever shares the place shares the session. */
export interface TokenStore {
  load(): StoredSession | null | Promise<StoredSession | null>
  save(session: StoredSession): void | Promise<void>
  clear(): void | Promise<void>
  /** Set when others share the place: only one of them at a time refreshes, under this name, where the platform can. */
  readonly sharedAs?: string
}

/** Forgets the session when the page or process ends. The default. */
export const memoryTokenStore = (): TokenStore => {
  let held: StoredSession | null = null
  return {
    load: () => held,
    save: (session) => void (held = session),
    clear: () => void (held = null),
  }
}

/** What is needed of `localStorage` and `sessionStorage`. */
export interface WebStorage {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
  removeItem(key: string): void
}

const isStoredSession = (value: unknown): value is StoredSession => {
  const { accessToken, refreshToken, refreshAtMs } = (value ?? {}) as Partial<Record<keyof StoredSession, unknown>>
  const isTime = refreshAtMs === null || typeof refreshAtMs === 'number'
  return typeof accessToken === 'string' && typeof refreshToken === 'string' && isTime
}

const parsed = (text: string | null): StoredSession | null => {
  if (text === null) return null
  try {
    const value: unknown = JSON.parse(text)
    return isStoredSession(value) ? value : null
  } catch {
    // Somebody else wrote there; to us it is no session.
    return null
  }
}

const browserStorage = (): WebStorage => {
  const { localStorage } = globalThis as { localStorage?: WebStorage }
  if (localStorage === undefined) throw new TypeError('There is no localStorage here; hand over a storage of your own.')
  return localStorage
}

export interface LocalStorageOptions {
  /** @default 'gantry.session' */
  key?: string
  /** @default globalThis.localStorage */
  storage?: WebStorage
}

/** Keeps the session over reloads and shares it between tabs. Any script of the page can read it there. */
export const localStorageTokenStore = (options: LocalStorageOptions = {}): TokenStore => {
  const { key = 'gantry.session', storage = browserStorage() } = options
  return {
    load: () => parsed(storage.getItem(key)),
    save: (session) => storage.setItem(key, JSON.stringify(session)),
    clear: () => storage.removeItem(key),
    sharedAs: key,
  }
}
