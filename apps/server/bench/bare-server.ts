/** The yardstick: node:http and nothing else, sending always the same bytes. Its parent tells which. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface BareAnswer {
  headers: Record<string, string>
  body: string
}

const [{ headers, body }] = (await once(process, 'message')) as [BareAnswer]
const bytes = Buffer.from(body)
const server = createServer((_req, res) => {
  res.writeHead(200, { ...headers, 'content-length': bytes.length }).end(bytes)
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
