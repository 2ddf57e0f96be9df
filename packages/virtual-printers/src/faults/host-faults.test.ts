import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { FaultyPrinter, LONG, rpc } from '../testing/faulty-printer.js'
import type { FaultOrder } from './fault.types.js'

const POLL = { timeout: 15_000, interval: 10 }

describe.each(['octoprint', 'moonraker'] as const)('on %s', (kind) => {
  async function faulty(...orders: FaultOrder[]): Promise<FaultyPrinter> {
    const rig = await FaultyPrinter.create(kind)
    await rig.upload('a.gcode')
    for (const order of orders) rig.printer.faults.arm(order)
    return rig
  }

  test('a refused call is answered with the failure of the host, once, and changes nothing', async () => {
    await using rig = await faulty({ fault: 'refuse', calls: 'start' })
    expect(await rig.start('a.gcode')).toMatchObject({ status: 500, body: { error: expect.anything() as unknown } })
    expect(rig.starts).toBe(0)
    expect(rig.printer.faults.list()).toMatchObject([{ id: 'f1', fault: 'refuse', struck: 1, left: 0 }])
    expect(await rig.start('a.gcode')).not.toMatchObject({ status: 500 })
    expect(rig.starts).toBe(1)
  })

  test('a fault meets the calls it names and no others', async () => {
    await using rig = await faulty()
    const { faults } = rig.printer
    const refusedBy = async (calls: 'start' | 'upload' | 'delete' | 'cancel' | 'read' | 'all') => {
      faults.disarm()
      faults.arm({ fault: 'refuse', calls, times: null })
      const results = {
        upload: await rig.upload('b.gcode'),
        delete: await rig.delete('c.gcode'),
        cancel: await rig.cancel(),
        read: await rig.read(),
        start: await rig.start('none.gcode'),
      }
      return Object.entries(results).flatMap(([name, result]) =>
        result !== 'lost' && result.status === 500 ? [name] : [],
      )
    }
    for (const calls of ['start', 'upload', 'delete', 'cancel', 'read'] as const) {
      expect(await refusedBy(calls)).toEqual([calls])
    }
    expect(await refusedBy('all')).toEqual(['upload', 'delete', 'cancel', 'read', 'start'])
  })

  test('a slow call is carried out after its delay', async () => {
    await using rig = await faulty({ fault: 'slow', calls: 'start', delayMs: 100 })
    const before = performance.now()
    await rig.start('a.gcode')
    expect(performance.now() - before).toBeGreaterThan(90)
    expect(rig.starts).toBe(1)
  })

  test('a lost answer hides a start that happened, and an upload that is there', async () => {
    await using rig = await faulty({ fault: 'lost_answer', calls: 'start' }, { fault: 'lost_answer', calls: 'upload' })
    expect(await rig.start('a.gcode')).toBe('lost')
    expect(rig.starts).toBe(1)
    expect(await rig.upload('b.gcode')).toBe('lost')
    expect(await rig.files()).toEqual(expect.arrayContaining(['a.gcode', 'b.gcode']))
  })

  test('a late start gets no answer and lands when the caller has given up', async () => {
    await using rig = await faulty({ fault: 'late_start', delayMs: 300 })
    const sentAtMs = Date.now()
    expect(await rig.start('a.gcode')).toBe('lost')
    await expect.poll(() => rig.starts, POLL).toBe(1)
    expect(rig.printer.machine.starts).toMatchObject([{ name: 'a.gcode', startedBy: 'host' }])
    expect(rig.printer.machine.starts[0]!.startedAtMs - sentAtMs).toBeGreaterThan(290)
  })

  test('a late start whose caller is left hanging says nothing until it has landed', async () => {
    await using rig = await faulty({ fault: 'late_start', delayMs: 100, answer: 'hanging' })
    expect(await rig.start('a.gcode')).toBe('lost')
    expect(rig.starts).toBe(1)
  })

  test('a late start finds nothing to print when its file was deleted before', async () => {
    await using rig = await faulty({ fault: 'late_start', delayMs: 1_000 })
    expect(await rig.start('a.gcode')).toBe('lost')
    expect(await rig.delete('a.gcode')).not.toBe('lost')
    await sleep(1_100)
    expect(rig.starts).toBe(0)
  })

  test('a late start dies with the process of the host', async () => {
    await using rig = await faulty({ fault: 'late_start', delayMs: 1_000 })
    expect(await rig.start('a.gcode')).toBe('lost')
    await rig.printer.host.restart()
    await sleep(1_100)
    expect(rig.starts).toBe(0)
  })

  test('a late upload gets no answer and lands after a delete of its name', async () => {
    await using rig = await faulty({ fault: 'late_upload', delayMs: 1_500 })
    expect(await rig.upload('late.gcode')).toBe('lost')
    expect(await rig.files()).toEqual(['a.gcode'])
    expect(await rig.delete('late.gcode')).toMatchObject({ status: kind === 'octoprint' ? 404 : 400 })
    await expect.poll(() => rig.files(), POLL).toContain('late.gcode')
    expect(await rig.start('late.gcode')).not.toBe('lost')
    expect(rig.starts).toBe(1)
  })

  test('an upload that is cut is not there, and leaves nothing on the disk', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'cut-upload-'))
    await using rig = await FaultyPrinter.create(kind, { dataDir })
    rig.printer.faults.arm({ fault: 'cut_upload', atByte: 100_000 })
    expect(await rig.upload('cut.gcode', 'G4 P1\n'.repeat(1_000_000))).toBe('lost')
    expect(await rig.files()).toEqual([])
    const folder = join(dataDir, rig.printer.name)
    expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([])
    expect(await rig.upload('cut.gcode', LONG)).toMatchObject({ status: 201 })
    await rig.fleet.stop()
    await rm(dataDir, { recursive: true })
  })

  test('a lying start is answered like a good one, and nothing is printed', async () => {
    await using rig = await faulty({ fault: 'lying_start' })
    const lie = await rig.start('a.gcode')
    expect(rig.starts).toBe(0)
    expect(await rig.start('a.gcode')).toEqual(lie)
    expect(rig.starts).toBe(1)
  })

  test('a delete that races a start meets it in the moment that it is accepted', async () => {
    await using rig = await faulty({ fault: 'late_start', delayMs: 1_000 }, { fault: 'delete_race' })
    expect(await rig.start('a.gcode')).toBe('lost')
    const deleted = await rig.delete('a.gcode')
    expect(rig.starts).toBe(1)
    // OctoPrint sees at once what it prints; Moonraker believes Klipper's last report and deletes an open file.
    expect(deleted).toMatchObject({ status: kind === 'octoprint' ? 409 : 200 })
    expect(await rig.files()).toEqual(kind === 'octoprint' ? ['a.gcode'] : [])
  })

  test('a false "complete" ends the print early, and the host calls it done', async () => {
    await using rig = await faulty({ fault: 'false_complete', delayMs: 50 })
    await rig.start('a.gcode')
    await expect.poll(() => rig.printer.machine.lastJob?.outcome, POLL).toBe('done')
    expect(rig.printer.machine.lastJob).toMatchObject({ progress: 1 })
    expect(await rig.state()).toBe(kind === 'octoprint' ? 'Operational' : 'complete')
  })

  test('a false "complete" that was drawn outlives a restart in which the machine prints on', async () => {
    await using rig = await faulty({ fault: 'false_complete', delayMs: 1_000 })
    await rig.start('a.gcode')
    await rig.printer.host.restart()
    // An OctoPrint takes its print along.
    await expect.poll(() => rig.printer.machine.lastJob?.outcome, POLL).toBe(kind === 'octoprint' ? 'failed' : 'done')
  })

  test('the gate still has its say after the faults', async () => {
    await using rig = await faulty({ fault: 'slow', calls: 'start', delayMs: 10 })
    const passed: string[] = []
    rig.printer.host.gate = (call, next) => {
      passed.push(call.method)
      return next(call)
    }
    await rig.start('a.gcode')
    expect(passed).toEqual(['POST'])
    expect(rig.starts).toBe(1)
  })
})

test('calls over a socket of Moonraker are struck as well, and a call without an answer ends the socket', async () => {
  await using rig = await FaultyPrinter.create('moonraker')
  await rig.upload('a.gcode')
  const { url, faults } = rig.printer
  faults.arm({ fault: 'refuse', calls: 'start' })
  expect(await rpc(url, 'printer.print.start', { filename: 'a.gcode' })).toMatchObject({ error: { code: 500 } })
  faults.arm({ fault: 'lying_start' })
  expect(await rpc(url, 'printer.print.start', { filename: 'a.gcode' })).toMatchObject({ result: 'ok' })
  faults.arm({ fault: 'lost_answer', calls: 'start' })
  expect(await rpc(url, 'printer.gcode.script', { script: 'SDCARD_PRINT_FILE FILENAME="a.gcode"' })).toBe('lost')
  expect(rig.starts).toBe(1)
  faults.arm({ fault: 'lost_answer', calls: 'read' })
  expect(await rpc(url, 'server.info', {})).toBe('lost')
  faults.arm({ fault: 'lost_answer', calls: 'delete' })
  expect(await rpc(url, 'server.files.delete_file', { path: 'gcodes/none.gcode' })).toBe('lost')
})

test('with the same seed and the same calls the same starts are struck, whatever is read between them', async () => {
  const struck = async (seed: string, readsBetween: number): Promise<number[]> => {
    await using rig = await FaultyPrinter.create('octoprint', { seed })
    rig.printer.faults.arm({ fault: 'refuse', calls: 'all', times: null, probability: 0.5 })
    const statuses: number[] = []
    for (let call = 0; call < 24; call++) {
      for (let read = 0; read < readsBetween; read++) await rig.read()
      const answer = await rig.start('none.gcode')
      statuses.push(answer === 'lost' ? 0 : answer.status)
    }
    return statuses
  }
  const first = await struck('one', 0)
  expect(new Set(first)).toEqual(new Set([404, 500]))
  expect(await struck('one', 2)).toEqual(first)
  expect(await struck('two', 0)).not.toEqual(first)
})

test('a fleet that stops waits for no delayed call', async () => {
  const rig = await FaultyPrinter.create('octoprint')
  await rig.upload('a.gcode')
  rig.printer.faults.arm({ fault: 'slow', calls: 'start', delayMs: 600_000 })
  const answer = rig.start('a.gcode')
  await expect.poll(() => rig.printer.faults.list()[0]?.struck, POLL).toBe(1)
  await rig.fleet.stop()
  expect(await answer).toBe('lost')
  expect(rig.starts).toBe(0)
})
