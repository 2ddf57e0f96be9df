import { once } from 'node:events'
import { open, readFile, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

import { mebibytes, median, range, type Bench, type BenchOptions, type BenchResult } from './report.js'
import type { ServerReading } from './server-probe.js'
import { startServer, type BenchServer } from './server-process.js'

const FIXTURE = new URL('../src/modules/files/fixtures/demo-token.gcode', import.meta.url)
const WRITE_BYTES = 1024 * 1024

/** A file as a slicer writes it: its head, then its layers over and over, then its end. Every `id` is another file. */
const gcodeOf = (fixture: Buffer, bytes: number, id: number): Buffer => {
  const [layers, end] = [fixture.indexOf(';LAYER_CHANGE'), fixture.indexOf('; filament used [mm]')]
  const head = Buffer.concat([fixture.subarray(0, layers), Buffer.from(`; copy ${id}\n`)])
  const tail = fixture.subarray(end)
  const body = fixture.subarray(layers, end)
  const repeats = Math.max(1, Math.round((bytes - head.length - tail.length) / body.length))
  return Buffer.concat([head, ...Array.from({ length: repeats }, () => body), tail])
}

/** Milliseconds for writing the content to the same disk and waiting until it is there. */
const writeToDisk = async (dataDir: string, content: Buffer): Promise<number> => {
  const path = join(dataDir, 'bench-disk')
  const began = performance.now()
  const handle = await open(path, 'w')
  for (let at = 0; at < content.length; at += WRITE_BYTES) await handle.write(content.subarray(at, at + WRITE_BYTES))
  await handle.sync()
  await handle.close()
  const took = performance.now() - began
  await rm(path)
  return took
}

/** Milliseconds from the first byte to the whole answer. */
const upload = async ({ url, headers }: BenchServer, content: Buffer, name: string): Promise<number> => {
  const began = performance.now()
  const req = request(`${url}/api/files?name=${name}`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/octet-stream', 'content-length': content.length },
  })
  req.end(content)
  const [response] = (await once(req, 'response')) as [NodeJS.ReadableStream & { statusCode: number }]
  const answer = await text(response)
  if (response.statusCode !== 201) throw new Error(`the upload was answered ${response.statusCode}: ${answer}`)
  return performance.now() - began
}

interface Round {
  diskMs: number
  uploadMs: number
  cpuMs: number
  reading: ServerReading
}

const measure = async (server: BenchServer, options: BenchOptions): Promise<Round[]> => {
  const fixture = await readFile(FIXTURE)
  const [bytes, rounds] = options.quick ? [20e6, 2] : [200e6, 7]
  const measured: Round[] = []
  for (let round = 0; round < rounds; round++) {
    const content = gcodeOf(fixture, bytes, round)
    const diskMs = await writeToDisk(server.dataDir, content)
    const { cpuMicros } = await server.read()
    const uploadMs = await upload(server, content, `bench-${round}.gcode`)
    const reading = await server.read()
    measured.push({ diskMs, uploadMs, cpuMs: (reading.cpuMicros - cpuMicros) / 1000, reading })
    options.progress(`round ${round + 1} of ${rounds}: disk ${diskMs.toFixed(0)} ms, upload ${uploadMs.toFixed(0)} ms`)
  }
  return measured
}

const run = async (options: BenchOptions): Promise<BenchResult> => {
  // Without printers there is nothing to drive, so what is measured is the upload alone.
  const server = await startServer()
  try {
    await upload(server, gcodeOf(await readFile(FIXTURE), 1e6, -1), 'warm-up.gcode')
    const idle = await server.read()
    const [first, ...warm] = await measure(server, options)
    if (first === undefined) throw new Error('nothing was measured')
    const ratios = warm.map(({ diskMs, uploadMs }) => diskMs / uploadMs)
    const growth = [first, ...warm].map(({ reading }) => reading.peakRssBytes - idle.rssBytes)
    const of = (value: (round: Round) => number) => warm.map(value)
    const seconds = (values: number[]) => `${(median(values) / 1000).toFixed(2)} s`
    return {
      name: 'upload',
      title: `${options.quick ? 20 : 200} MB of g-code through POST /api/files against writing it to the same disk`,
      rows: [
        { what: 'write and fsync', value: seconds(of(({ diskMs }) => diskMs)), note: `median of ${warm.length}` },
        { what: 'upload, hash, metadata', value: seconds(of(({ uploadMs }) => uploadMs)), note: 'median, thread warm' },
        { what: 'processor time of the server', value: seconds(of(({ cpuMs }) => cpuMs)), note: 'median, all threads' },
        { what: 'first upload', value: seconds([first.uploadMs]), note: 'starts and warms the thread' },
        { what: 'speed against the disk', value: median(ratios).toFixed(2), note: `${range(ratios)}; aim 0.50` },
        { what: 'memory above idle', value: mebibytes(Math.max(...growth)), note: 'highest; aim below 64 MiB' },
        { what: 'event loop late, p99', value: `${median(of((r) => r.reading.loopDelayP99Ms)).toFixed(1)} ms` },
        {
          what: 'event loop late, worst',
          value: `${Math.max(...of((r) => r.reading.loopDelayMaxMs)).toFixed(1)} ms`,
        },
      ],
      data: { idle, rounds: [first, ...warm], ratio: median(ratios) },
    }
  } finally {
    await server.stop()
  }
}

export const uploadBench: Bench = { name: 'upload', run }
