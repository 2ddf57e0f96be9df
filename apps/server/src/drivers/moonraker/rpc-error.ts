/** Moonraker's own refusal of one call. `code` is that of JSON-RPC or, for most, of HTTP. */
export class RpcError extends Error {
  override readonly name = 'RpcError'
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message)
  }
}
