import { connect } from 'node:net'

/** One answer as it came over the wire. */
export interface RawAnswer {
  status: number
  /** Names in lower case; of several of one name the last. */
  headers: Readonly<Record<string, string>>
  body: string
}

const PATIENCE_MS = 25_000

/**
 * Sends these bytes, which need not be HTTP, and takes whatever comes until the server hangs up. Nothing is added: a
 * request that wants the connection to end must say so.
 * @throws Error when the server has not hung up in time, with what came
 */
export const rawExchange = (url: string, bytes: string | Buffer): Promise<RawAnswer[]> => {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    const socket = connect(Number(port), hostname, () => socket.write(bytes))
    const patience = setTimeout(() => {
      socket.destroy()
      reject(new Error(`the server does not hang up; so far came: ${Buffer.concat(parts).toString().slice(0, 500)}`))
    }, PATIENCE_MS)
    socket.on('data', (part: Buffer) => parts.push(part))
    // A reset after the answer, by a server that does not want the rest of a body, is a way to hang up.
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearTimeout(patience)
      resolve(answersIn(Buffer.concat(parts)))
    })
  })
}

/** Takes the answers of one connection apart. */
export const answersIn = (bytes: Buffer): RawAnswer[] => {
  const answers: RawAnswer[] = []
  let rest = bytes
  for (let end = rest.indexOf('\r\n\r\n'); end !== -1; end = rest.indexOf('\r\n\r\n')) {
    const [statusLine = '', ...lines] = rest.subarray(0, end).toString('latin1').split('\r\n')
    const headers = Object.fromEntries(lines.map(fieldOf))
    const { body, length } = bodyOf(rest.subarray(end + 4), headers)
    answers.push({ status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]), headers, body: body.toString('utf8') })
    rest = rest.subarray(end + 4 + length)
  }
  return answers
}

const fieldOf = (line: string): [string, string] => {
  const colon = line.indexOf(':')
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
}

const bodyOf = (bytes: Buffer, headers: Record<string, string>): { body: Buffer; length: number } => {
  if (headers['transfer-encoding'] === 'chunked') return chunksOf(bytes)
  const length = Number(headers['content-length'] ?? 0)
  return { body: bytes.subarray(0, length), length }
}

const chunksOf = (bytes: Buffer): { body: Buffer; length: number } => {
  const chunks: Buffer[] = []
  let at = 0
  for (let end = bytes.indexOf('\r\n', at); end !== -1; end = bytes.indexOf('\r\n', at)) {
    const size = parseInt(bytes.subarray(at, end).toString('latin1'), 16)
    chunks.push(bytes.subarray(end + 2, end + 2 + size))
    at = end + 2 + size + 2
    if (!(size > 0)) break
  }
  return { body: Buffer.concat(chunks), length: Math.min(at, bytes.length) }
}
