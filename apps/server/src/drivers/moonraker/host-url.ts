/** A path below the host's base URL, which may have a prefix of its own. */
export const hostUrl = (base: string, path: string): string => base.replace(/\/+$/, '') + path

/** The same for the WebSocket's scheme. */
export const socketUrl = (base: string): string => hostUrl(base, '/websocket').replace(/^http/i, 'ws')
