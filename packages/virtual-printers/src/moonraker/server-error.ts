/**
 * A refusal as Moonraker raises it. Over JSON-RPC the client sees the text; over HTTP it sees it only where the route
 * hands it on (see `Method.hidesErrorText`).
 */
export class ServerError extends Error {
  override readonly name = 'ServerError'

  /**
   * @param message the text, as the real host words it
   * @param status the HTTP status; Moonraker's own default is 400
   */
  constructor(
    message: string,
    readonly status = 400,
  ) {
    super(message)
  }
}
