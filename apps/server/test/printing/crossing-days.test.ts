import { setTimeout as sleep } from 'node:timers/promises'

import type { FleetPrinter, HostCall } from '@gantry/virtual-printers'
import { describe, expect, it } from 'vitest'

import { SYSTEM_ACTOR } from '../../src/kernel/index.js'
import { createPrintingRig, type PrintingRig } from '../../src/testing/printing-rig.js'
import { attemptIn, attemptsOf, inState, jobOf, openAlarms } from './looks.js'

const KINDS = [
  {
    ...{ kind: 'OctoPrint', fleet: { octoprint: 1 }, pair: { octoprint: 2 } },
    noRoom: { status: 507, json: { error: 'Insufficient Storage' } },
  },
  {
    ...{ kind: 'Moonraker', fleet: { moonraker: 1 }, pair: { moonraker: 2 } },
    noRoom: { status: 500, json: { error: { code: 500, message: 'Unable to save file' } } },
  },
] as const

const printerOf = async (rig: PrintingRig, name: string) =>
  (await rig.persistence.reads.printers.list(SYSTEM_ACTOR, { limit: 10, cursor: null, groupId: null })).items.find(
    (printer) => printer.name === name,
  )!
const isPrintFile = ({ request }: HostCall) => Number(request.headers['content-length'] ?? 0) > 10_000

const isUpload = (call: HostCall) =>
  call.channel === 'http' && call.method === 'POST' && /upload|files\/local$/.test(call.path) && isPrintFile(call)

const isStart = (call: HostCall) =>
  call.channel === 'http'
    ? call.method === 'POST' && /^\/api\/files\/local\/g.+\.gcode$/.test(call.path)
    : call.method === 'printer.print.start' ||
      (call.method === 'printer.gcode.script' && JSON.stringify(call.params).includes('SDCARD_PRINT_FILE'))

const isCancel = (call: HostCall) =>
  call.channel === 'http' ? call.method === 'POST' && call.path === '/api/job' : call.method === 'printer.print.cancel'

const once = () => {
  let call = (): void => undefined
  const called = new Promise<void>((resolve) => (call = resolve))
  return { called, call: () => call() }
}

/** A host that keeps every call of this kind waiting, until it is let through. */
const holdBack = ({ host }: FleetPrinter, which: (call: HostCall) => boolean) => {
  const [seen, opened] = [once(), once()]
  host.gate = async (call, next) => {
    if (!which(call)) return next(call)
    seen.call()
    await opened.called
    return next(call)
  }
  return { reached: seen.called, letThrough: opened.call }
}

/** A host that does what it is told at once and answers late. */
const holdBackAnswer = ({ host }: FleetPrinter, which: (call: HostCall) => boolean) => {
  const [done, opened] = [once(), once()]
  host.gate = async (call, next) => {
    const reply = await next(call)
    if (!which(call)) return reply
    done.call()
    await opened.called
    return reply
  }
  return { reached: done.called, letThrough: opened.call }
}

/** One copy that comes to the first of two printers: the other's bed is cleared only after the first gave it back. */
const givenBackByFirst = async (rig: PrintingRig): Promise<string> => {
  const [, other] = rig.virtual.printers as [FleetPrinter, FleetPrinter]
  const ids = await rig.registerAll()
  await rig.persistence.unitOfWork.run((tx) => tx.beds.occupy(ids.get(other.name) ?? '', tx.now))
  const jobId = await rig.order(1)
  await attemptIn(rig, jobId, 'revoked')
  await rig.clearBed(other.name)
  return jobId
}

const expectSafe = (rig: PrintingRig) => {
  const { total, namesStartedTwice } = rig.virtual.counts()
  expect(total).toMatchObject({ secondStarts: 0, startsOnOccupiedBed: 0, gcodeWhilePrinting: 0 })
  expect(namesStartedTwice).toEqual([])
}

describe.each(KINDS)('when things cross each other on $kind', ({ fleet, pair, noRoom }) => {
  it('gives the copy to another printer when the host has no room for the file, and holds the full one', async () => {
    await using rig = await createPrintingRig(pair)
    const [full] = rig.virtual.printers as [FleetPrinter]
    full.host.gate = (call, next) => (isUpload(call) ? Promise.resolve(noRoom) : next(call))
    const jobId = await givenBackByFirst(rig)

    await inState(rig, jobId, 'done')
    expect(rig.virtual.counts().printers[full.name]?.starts).toBe(0)
    const { activeAttempt, bed, holds } = await printerOf(rig, full.name)
    expect({ activeAttempt, bed }).toEqual({ activeAttempt: null, bed: 'clear' })
    expect(holds.map(({ code }) => code)).toEqual(['UPLOAD_FAILED'])
    expectSafe(rig)
  })

  it('gives the copy to another printer when the connection is cut during the upload', async () => {
    await using rig = await createPrintingRig(pair)
    const [cut] = rig.virtual.printers as [FleetPrinter]
    cut.host.gate = (call, next) => (isUpload(call) ? Promise.resolve(null) : next(call))
    const jobId = await givenBackByFirst(rig)

    await inState(rig, jobId, 'done')
    expect(rig.virtual.counts().total.starts).toBe(1)
    expect((await printerOf(rig, cut.name)).bed).toBe('clear')
    expectSafe(rig)
  })

  it('takes the copy back, and leaves the bed occupied, when somebody starts another print just before', async () => {
    await using rig = await createPrintingRig({ ...fleet, speed: 60 })
    const [printer] = rig.virtual.printers as [FleetPrinter]
    const start = holdBack(printer, isStart)
    await rig.registerAll()
    const jobId = await rig.order(1)
    await start.reached
    await printer.host.startAtPanel('mine.gcode', Buffer.from('G28\nM109 S200\nG1 X10 E5 F300\n'.repeat(200)))
    start.letThrough()

    await attemptIn(rig, jobId, 'revoked')
    await rig.eventually(async () => (await openAlarms(rig)).includes('FOREIGN_PRINT'))
    expect(await printerOf(rig, printer.name)).toMatchObject({ bed: 'occupied', activeAttempt: null })
    expect(printer.machine.starts.map(({ name }) => name)).toEqual(['mine.gcode'])
    expect(await jobOf(rig, jobId)).toMatchObject({ counts: { queued: 1, active: 0 } })
  })

  it('prints once when the server dies between the upload and the start', async () => {
    await using rig = await createPrintingRig(fleet)
    const [printer] = rig.virtual.printers as [FleetPrinter]
    const upload = holdBack(printer, isUpload)
    await rig.registerAll()
    const jobId = await rig.order(1)
    await upload.reached
    const stopped = rig.restart()
    upload.letThrough()
    await stopped

    await inState(rig, jobId, 'done')
    expect(rig.virtual.counts().total.starts).toBe(1)
    expect((await attemptsOf(rig, jobId)).map(({ state }) => state)).toEqual(['completed', 'revoked'])
    expectSafe(rig)
  })

  it('prints once when the server dies between the start and its confirmation', async () => {
    await using rig = await createPrintingRig({ ...fleet, speed: 600 })
    const [printer] = rig.virtual.printers as [FleetPrinter]
    const answer = holdBackAnswer(printer, isStart)
    await rig.registerAll()
    const jobId = await rig.order(1)
    await answer.reached
    const restarted = rig.restart()
    answer.letThrough()
    await restarted

    await inState(rig, jobId, 'done')
    expect(rig.virtual.counts().total.starts).toBe(1)
    expect(await attemptsOf(rig, jobId)).toHaveLength(1)
    expectSafe(rig)
  })

  it('prints nothing of a job that is cancelled while its file is under way', async () => {
    await using rig = await createPrintingRig(fleet)
    const [printer] = rig.virtual.printers as [FleetPrinter]
    const upload = holdBack(printer, isUpload)
    await rig.registerAll()
    const jobId = await rig.order(2)
    await upload.reached
    await rig.cancel(jobId)
    upload.letThrough()

    const job = await inState(rig, jobId, 'cancelled')
    expect(job.counts).toMatchObject({ cancelled: 2, active: 0, queued: 0 })
    expect(rig.virtual.counts().total.starts).toBe(0)
    expect(await printerOf(rig, printer.name)).toMatchObject({ bed: 'clear', activeAttempt: null, holds: [] })
  })

  it('tells the host again to cancel when it refused once', async () => {
    await using rig = await createPrintingRig({ ...fleet, speed: 60 })
    const [printer] = rig.virtual.printers as [FleetPrinter]
    await rig.registerAll()
    const jobId = await rig.order(1)
    await attemptIn(rig, jobId, 'printing')
    let refused = 0
    printer.host.gate = (call, next) => {
      if (!isCancel(call) || refused > 0) return next(call)
      refused += 1
      return Promise.resolve(null)
    }
    await rig.cancel(jobId)

    await inState(rig, jobId, 'cancelled')
    expect(refused).toBe(1)
    expect(rig.virtual.counts().total).toMatchObject({ starts: 1, cancelled: 1 })
  })

  it('holds the copy and calls a person after an emergency stop', async () => {
    await using rig = await createPrintingRig({ ...fleet, speed: 60 })
    const [printer] = rig.virtual.printers as [FleetPrinter]
    await rig.registerAll()
    const jobId = await rig.order(1)
    await attemptIn(rig, jobId, 'printing')
    printer.machine.emergencyStop('thermal runaway')

    const job = await inState(rig, jobId, 'held')
    expect(job.counts).toMatchObject({ held: 1, queued: 0, active: 0 })
    expect(job.holds.map(({ code }) => code)).toEqual(['PRINT_FAILED'])
    await rig.eventually(async () => (await openAlarms(rig)).includes('PRINTER_ERROR'))
    expect((await openAlarms(rig)).toSorted()).toEqual(['PRINTER_ERROR', 'PRINT_FAILED'])
    expect((await printerOf(rig, printer.name)).bed).toBe('occupied')
  })

  it('follows a print to its end on a printer that was switched off in Gantry meanwhile', async () => {
    await using rig = await createPrintingRig({ ...fleet, speed: 60 })
    const [printer] = rig.virtual.printers as [FleetPrinter]
    const ids = await rig.registerAll()
    const printerId = ids.get(printer.name) ?? ''
    const jobId = await rig.order(2)
    await attemptIn(rig, jobId, 'printing')
    await rig.persistence.unitOfWork.run(async (tx) => {
      await tx.printers.update(printerId, { enabled: false }, null, tx.now)
      tx.record(
        { type: 'printer.updated', subjectType: 'printer', subjectId: printerId, payload: { printerId } },
        'system',
      )
    })
    await sleep(300)
    rig.virtual.setSpeed(20_000)

    await rig.eventually(async () => (await jobOf(rig, jobId))?.counts.done === 1)
    expect(await openAlarms(rig)).toEqual([])
    await rig.clearBed(printer.name)
    await sleep(300)
    expect(rig.virtual.counts().total.starts).toBe(1)
  })

  it('dispatches to a host that still shows the last print as finished, once the bed is cleared', async () => {
    await using rig = await createPrintingRig(fleet)
    const [printer] = rig.virtual.printers as [FleetPrinter]
    await rig.registerAll()
    const first = await rig.order(1)
    await inState(rig, first, 'done')
    await rig.restart()
    const second = await rig.order(1)
    await rig.clearBed(printer.name)

    await inState(rig, second, 'done')
    expectSafe(rig)
  })
})
