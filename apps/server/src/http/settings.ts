/** What of the configuration the HTTP server needs. */
export interface HttpSettings {
  http: {
    host: string
    /** 0 takes a free port. */
    port: number
    publicUrl: string | null
    corsOrigins: readonly string[]
    /** Addresses, networks in CIDR notation, `loopback` or `private`. */
    trustedProxies: readonly string[]
    maxUploadBytes: number
    docsPublic: boolean
    /** What clients of old are told to show or hide, by name. */
    flags: Readonly<Record<string, string>>
  }
  metrics: { enabled: boolean; token: string | null }
}

/** Milliseconds after which waiting ends. */
export interface HttpTimeouts {
  /** For the request line and all headers. */
  headersMs: number
  /** For the whole body of a JSON request. */
  bodyMs: number
  /** For an ordinary request, from its headers to its answer. Streams and file transfers have stall limits instead. */
  requestMs: number
  /** An upload that sends nothing for so long is given up. */
  uploadStallMs: number
  /** A client that takes nothing, or next to nothing, of its answer for so long is hung up on. */
  answerStallMs: number
  keepAliveMs: number
  /** How long `stop` waits for answers under way. */
  stopMs: number
}

export const DEFAULT_TIMEOUTS: HttpTimeouts = {
  headersMs: 10_000,
  bodyMs: 15_000,
  requestMs: 30_000,
  uploadStallMs: 30_000,
  // Several pings of a live stream fall into it.
  answerStallMs: 60_000,
  // Longer than the 60 s after which common load balancers drop idle connections.
  keepAliveMs: 65_000,
  stopMs: 12_000,
}

export const LIMITS = {
  urlBytes: 16_384,
  headerBytes: 32_768,
  headerLines: 100,
  jsonBodyBytes: 1_048_576,
  /** Names in a query. */
  queryKeys: 100,
  batchMembers: 20,
  /** Beyond this new connections are refused. */
  connections: 10_000,
  /** Of them, those of one address (IPv6: /64), which may be a whole house. */
  connectionsPerNetwork: 2_500,
  requestsPerConnection: 10_000,
} as const
