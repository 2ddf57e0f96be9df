import { createHmac, randomBytes } from 'node:crypto'

/*
 * As https://www.standardwebhooks.com has it, so that receivers verify with the libraries that exist.
 */

const PREFIX = 'whsec_'
const SECRET_BYTES = 32

export const newWebhookSecret = (): string => PREFIX + randomBytes(SECRET_BYTES).toString('base64')

const signature = (secret: string, content: string): string =>
  `v1,${createHmac('sha256', Buffer.from(secret.slice(PREFIX.length), 'base64'))
    .update(content)
    .digest('base64')}`

export interface SignedMessage {
  /** The same at every try, so that receivers can drop doubles. */
  id: string
  atMs: number
  body: string
}

/** @param secrets one signature for each; receivers take the message when one of them is right */
export const signedHeaders = ({ id, atMs, body }: SignedMessage, secrets: readonly string[]) => {
  const timestamp = String(Math.floor(atMs / 1_000))
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': secrets.map((secret) => signature(secret, `${id}.${timestamp}.${body}`)).join(' '),
  }
}
