import { request, type ClientRequest } from 'node:http'

type Listener = (() => void) | null

/** As much of a browser's `XMLHttpRequest` as uploads use, on Node's sockets. */
export class NodeXhr {
  status = 0
  responseText = ''
  readonly upload: { onprogress: ((event: { loaded: number }) => void) | null } = { onprogress: null }
  onload: Listener = null
  onerror: Listener = null
  onabort: Listener = null
  withCredentials = false
  private target = ''
  private method = ''
  private readonly headers: Record<string, string> = {}
  private call: ClientRequest | null = null

  open(method: string, url: string): void {
    this.method = method
    this.target = url
  }

  setRequestHeader(name: string, value: string): void {
    this.headers[name] = value
  }

  send(body: Blob): void {
    const headers = { ...this.headers, 'Content-Length': body.size }
    const call = request(this.target, { method: this.method, headers }, (answer) => {
      this.status = answer.statusCode ?? 0
      answer.setEncoding('utf8')
      answer.on('data', (text: string) => (this.responseText += text))
      answer.on('end', () => this.onload?.())
    })
    this.call = call
    call.on('error', () => (call.destroyed && this.aborted ? this.onabort?.() : this.onerror?.()))
    void this.write(call, body)
  }

  abort(): void {
    this.aborted = true
    this.call?.destroy()
  }

  private aborted = false

  private async write(call: ClientRequest, body: Blob): Promise<void> {
    const content = new Uint8Array(await body.arrayBuffer())
    for (let at = 0; at < content.length; at += 65_536) {
      const piece = content.subarray(at, at + 65_536)
      await new Promise((resolve) => call.write(piece, resolve))
      this.upload.onprogress?.({ loaded: at + piece.length })
    }
    call.end()
  }
}
