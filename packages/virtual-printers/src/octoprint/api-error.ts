import type { HostReply } from '../net/host-server.types.js'

/** An error answer of OctoPrint: `{"error": text}` with a status. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message)
    this.name = 'ApiError'
  }

  get reply(): HostReply {
    return { status: this.status, json: { error: this.message } }
  }
}

export const NO_CONTENT: HostReply = { status: 204 }

export function json(value: unknown, status = 200, headers: Record<string, string> = {}): HostReply {
  return { status, json: value, headers }
}
