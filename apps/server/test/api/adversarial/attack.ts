import type { RawAnswer } from './raw-exchange.js'

/** What an attacker knows and has. */
export interface Lab {
  url: string
  /** The access token of an admin, and the key that it was signed with. */
  adminToken: string
  signingKey: Uint8Array
  /** Of somebody who may only look. */
  viewerToken: string
  /** Of things that are there. */
  fileId: string
  printerId: string
  projectId: string
}

/**
 * What is tried, the exact bytes of it, and what must come of it: status and error code of each answer, in the order in
 * which they come. Without a code the answer is no error.
 */
export type Attack = [what: string, request: (lab: Lab) => string | Buffer, ...answers: string[]]

interface Message {
  method?: string
  headers?: readonly string[]
  body?: string | Buffer
}

const linesOf = (message: Message, path: string, authorization: readonly string[]): string =>
  [
    `${message.method ?? 'GET'} ${path} HTTP/1.1`,
    ...['Host: gantry', 'Connection: close'],
    ...authorization,
    ...(message.headers ?? []),
    ...['', ''],
  ].join('\r\n')

const withBody = (head: string, body: string | Buffer | undefined): string | Buffer =>
  body === undefined ? head : Buffer.concat([Buffer.from(head, 'latin1'), Buffer.from(body)])

/** A request of nobody. */
export const request = (path: string, message: Message = {}): string | Buffer =>
  withBody(linesOf(message, path, []), message.body)

/** A request of the admin, to whom everything else is allowed. */
export const asAdmin = ({ adminToken }: Lab, path: string, message: Message = {}): string | Buffer =>
  withBody(linesOf(message, path, [`Authorization: Bearer ${adminToken}`]), message.body)

const sized = (type: string, body: string | Buffer): string[] => [
  `Content-Type: ${type}`,
  `Content-Length: ${Buffer.byteLength(body)}`,
]

/** A well-formed POST of the admin with this body. */
export const posted = (
  lab: Lab,
  path: string,
  body: string | Buffer,
  type = 'application/json',
  headers: readonly string[] = [],
): string | Buffer => asAdmin(lab, path, { method: 'POST', headers: [...sized(type, body), ...headers], body })

/** A mutation of the admin over tRPC with this text as its body. */
export const mutation = (lab: Lab, procedure: string, body: string): string | Buffer =>
  posted(lab, `/trpc/${procedure}`, body)

/** A query of the admin over tRPC with this text as its input. */
export const query = (lab: Lab, procedure: string, input: string): string | Buffer =>
  asAdmin(lab, `/trpc/${procedure}?input=${encodeURIComponent(input)}`)

interface Coded {
  code: string
}
type WireError = Coded | { json: { data: Coded } }

/** REST sends the body as `error`, tRPC as `error.json.data`, a batch one of these for each call. */
const codesIn = (value: unknown): string[] => {
  if (Array.isArray(value)) return value.flatMap(codesIn)
  if (typeof value !== 'object' || value === null || !('error' in value)) return []
  const error = value.error as WireError
  return ['json' in error ? error.json.data.code : error.code]
}

/** Streams tell their errors as events. */
const codesInEvents = (body: string): string[] =>
  [...body.matchAll(/^event: serialized-error\ndata: .*?"code":"([A-Z_]+)"/gm)].map(([, code]) => code ?? '')

const codesOf = ({ headers, body }: RawAnswer): string[] => {
  const type = headers['content-type'] ?? ''
  if (type.startsWith('text/event-stream')) return codesInEvents(body)
  return type.startsWith('application/json') && body !== '' ? codesIn(JSON.parse(body)) : []
}

/** An answer as attacks expect it. */
export const summaryOf = (answer: RawAnswer): string => [answer.status, ...codesOf(answer)].join(' ')
