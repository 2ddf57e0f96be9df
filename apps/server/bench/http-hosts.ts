/**
 * Which HTTP host carries tRPC, REST, streams and uploads best: `npx tsx apps/server/bench/http-hosts.ts [rounds]`.
 * Every host runs in a process of its own; its CPU time per request is told beside the throughput, since the load
 * generator shares the machine. Results are discussed in docs/adr/0001-http-host.md.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { argv, cpuUsage, exit } from 'node:process'
import { fileURLToPath } from 'node:url'

import autocannon from 'autocannon'

import { HOSTS, type HostName } from './http-hosts.servers.js'

const UPLOAD_BYTES = 50_000_000
const SECONDS = 3

interface Sample {
  perSecond: number
  cpuMicros: number
}
type Task = 'query' | 'rest50kB' | 'sse1000' | 'upload50MB'
const TASKS: readonly Task[] = ['query', 'rest50kB', 'sse1000', 'upload50MB']

const serve = async (name: HostName) => {
  const port = await HOSTS[name]()
  process.on('message', () => process.send?.({ cpu: cpuUsage() }))
  process.send?.({ port })
}

const ask = async <T>(child: ChildProcess): Promise<T> => {
  const reply = once(child, 'message')
  child.send('cpu')
  return (await reply)[0] as T
}

const cpuOf = async (child: ChildProcess) => {
  const { cpu } = await ask<{ cpu: NodeJS.CpuUsage }>(child)
  return cpu.user + cpu.system
}

const load = async (url: string): Promise<{ perSecond: number; count: number }> => {
  const result = await autocannon({ url, connections: 20, duration: SECONDS })
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${url}: ${result.non2xx} non-2xx, ${result.errors} errors`)
  return { perSecond: result.requests.average, count: result.requests.total }
}

const send = (url: string, body?: Buffer): Promise<string> =>
  new Promise((resolve, reject) => {
    const headers =
      body === undefined ? { accept: 'text/event-stream' } : { 'content-type': 'application/octet-stream' }
    const req = request(url, { method: body === undefined ? 'GET' : 'POST', headers }, (res) => {
      let text = ''
      res.setEncoding('utf8').on('data', (part: string) => (text += part))
      res.on('end', () => resolve(text))
    })
    req.on('error', reject)
    req.end(body)
  })

const repeat = async (times: number, one: () => Promise<void>) => {
  const began = performance.now()
  for (let n = 0; n < times; n += 1) await one()
  return { perSecond: times / ((performance.now() - began) / 1_000), count: times }
}

const stream = async (base: string) => {
  const text = await send(`${base}/trpc/ticks`)
  if (text.split('"n":').length - 1 !== 1_000) throw new Error('the stream lost events')
}

const upload = async (base: string, body: Buffer) => {
  const text = await send(`${base}/upload`, body)
  if (text !== JSON.stringify({ bytes: body.length })) throw new Error(`upload answered ${text}`)
}

const run = (task: Task, base: string, body: Buffer) => {
  if (task === 'query') return load(`${base}/trpc/ping`)
  if (task === 'rest50kB') return load(`${base}/large`)
  if (task === 'sse1000') return repeat(20, () => stream(base))
  return repeat(6, () => upload(base, body))
}

const canDo = (name: HostName, task: Task) => {
  if (name === 'trpc-to-openapi fetch') return task === 'rest50kB'
  return name !== 'node:http, no tRPC' || task !== 'sse1000'
}

const measure = async (name: HostName, body: Buffer): Promise<Partial<Record<Task, Sample>>> => {
  const child = fork(fileURLToPath(import.meta.url), ['--serve', name])
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  const samples: Partial<Record<Task, Sample>> = {}
  for (const task of TASKS.filter((one) => canDo(name, one))) {
    const before = await cpuOf(child)
    const { perSecond, count } = await run(task, `http://127.0.0.1:${port}`, body)
    samples[task] = { perSecond, cpuMicros: ((await cpuOf(child)) - before) / count }
  }
  child.kill()
  return samples
}

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN

const cell = (samples: (Sample | undefined)[]) => {
  const seen = samples.filter((sample) => sample !== undefined)
  if (seen.length === 0) return '–'
  const perSecond = median(seen.map((sample) => sample.perSecond))
  const cpu = median(seen.map((sample) => sample.cpuMicros))
  return `${perSecond.toFixed(perSecond < 100 ? 1 : 0)} /s, ${cpu < 1_000 ? `${cpu.toFixed(0)} µs` : `${(cpu / 1_000).toFixed(1)} ms`}`
}

const main = async (rounds: number) => {
  const body = Buffer.alloc(UPLOAD_BYTES, 'G1 X10 Y10 E0.1\n')
  const names = Object.keys(HOSTS) as HostName[]
  const results = new Map<HostName, Partial<Record<Task, Sample>>[]>(names.map((name) => [name, []]))
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? names : [...names].reverse()
    for (const name of order) results.get(name)?.push(await measure(name, body))
  }
  console.log(`| host | ${TASKS.join(' | ')} |\n|---|${TASKS.map(() => '---').join('|')}|`)
  for (const [name, runs] of results) {
    console.log(`| ${name} | ${TASKS.map((task) => cell(runs.map((samples) => samples[task]))).join(' | ')} |`)
  }
}

if (argv[2] === '--serve') await serve(argv[3] as HostName)
else {
  await main(Number(argv[2] ?? 3))
  exit(0)
}
