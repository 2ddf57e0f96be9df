import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { afterEach, beforeEach, expect, it } from 'vitest'

import { TcpProxy } from './tcp-proxy.js'

let echo: Server
let proxy: TcpProxy
let port: number
let isUp = true

beforeEach(async () => {
  isUp = true
  echo = createServer((socket) => socket.on('error', () => undefined).pipe(socket))
  echo.listen(0, '127.0.0.1')
  await once(echo, 'listening')
  proxy = new TcpProxy(() => (isUp ? { host: '127.0.0.1', port: (echo.address() as AddressInfo).port } : null))
  port = await proxy.start()
})
afterEach(async () => {
  await proxy.stop()
  echo.close()
})

const dial = (): Socket => connect(port, '127.0.0.1').on('error', () => undefined)

const heard = async (socket: Socket): Promise<string> => String((await once(socket, 'data'))[0])

it('passes what is said, both ways', async () => {
  const client = dial()
  client.write('hello')
  expect(await heard(client)).toBe('hello')
})

it('held, it lets nothing pass and closes nothing; released, what was said meanwhile arrives', async () => {
  const client = dial()
  client.write('before')
  expect(await heard(client)).toBe('before')
  proxy.hold()
  client.write('meanwhile')
  const late = dial()
  late.write('late')
  const silence = await Promise.race([heard(client), heard(late), sleep(300, 'silence')])
  expect([silence, client.destroyed, late.destroyed]).toEqual(['silence', false, false])
  const [first, second] = [heard(client), heard(late)]
  proxy.release()
  expect([await first, await second]).toEqual(['meanwhile', 'late'])
})

it('stranded, what was open says nothing any more and is not closed, and new connections work', async () => {
  const client = dial()
  client.write('before')
  await heard(client)
  proxy.strand()
  client.write('meanwhile')
  const later = dial()
  later.write('later')
  expect(await heard(later)).toBe('later')
  expect([await Promise.race([heard(client), sleep(300, 'silence')]), client.destroyed]).toEqual(['silence', false])
})

it('cut, both ends see the end', async () => {
  const client = dial()
  client.write('before')
  await heard(client)
  const over = once(client, 'close')
  proxy.cut()
  await over
})

it('without a target it refuses', async () => {
  isUp = false
  await once(dial(), 'close')
})

it('slowed, it lets everything pass in its order, late', async () => {
  const client = dial()
  proxy.slow(60)
  const began = performance.now()
  client.write('one')
  expect(await heard(client)).toBe('one')
  expect(performance.now() - began).toBeGreaterThanOrEqual(55)
  proxy.slow(0)
  client.write('two')
  expect(await heard(client)).toBe('two')
})
