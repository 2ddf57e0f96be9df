import { describe, expect, it } from 'vitest'

import { GantryError, SYSTEM_ACTOR, systemClock } from '../../kernel/index.js'
import { openPrintingDatabase } from '../../testing/printing-database.js'
import type { DriverConnection, HistoryEntry, HostReport } from '../printers/printer-driver.port.js'
import { PrinterSession } from '../printers/printer-session.js'
import { PrintersService, type PrintersServiceDeps } from '../printers/printers.service.js'
import { PastPrints } from './past-prints.js'

const IDLE: HostReport = {
  ...{ observed: 'Operational', state: 'idle', printerConnected: true, busyDetail: null, attention: null },
  ...{ heaters: [], job: null },
}
const shows = (remotePath: string): HostReport => ({
  ...{ ...IDLE, state: 'finished' },
  job: {
    ...{ remotePath, hostJobRef: null, progress: 1, elapsedSeconds: null, remainingSeconds: null },
    ...{ layer: null, layerCount: null, filamentUsedMm: null },
  },
})

const print = (number: number, change: Partial<HistoryEntry> = {}): HistoryEntry => ({
  ...{ remotePath: `mine-${number}.gcode`, hostJobRef: String(number), outcome: 'completed' },
  ...{ startedAt: new Date(number * 60_000), endedAt: new Date(number * 60_000 + 1_000), ...change },
})
/** The prints with these numbers as a host lists them. */
const prints = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => print(to - index))

const open = async () => {
  const rows = await openPrintingDatabase()
  const lease = await rows.printer()
  const { printerId } = lease
  const past = new PastPrints(rows.unitOfWork)
  /** Looks at a host that remembers this. */
  const look = (remembered: HistoryEntry[], { report = IDLE, watched = [] as string[], under = lease } = {}) => {
    const connection = { history: (limit: number) => Promise.resolve(remembered.slice(0, limit)) }
    const { signal } = new AbortController()
    const session = new PrinterSession(under, connection as unknown as DriverConnection, signal, report, systemClock)
    return past.look(session, new Set(watched))
  }
  const alarms = async () =>
    (await rows.reads.alarms.list(SYSTEM_ACTOR, { open: true, limit: 10, cursor: null })).items.map(({ text }) => text)
  const bed = async () => (await rows.reads.printers.get(SYSTEM_ACTOR, printerId))?.bed
  const service = new PrintersService({
    ...{ unitOfWork: rows.unitOfWork, reads: rows.reads },
    board: { get: () => null, clock: systemClock },
  } as unknown as PrintersServiceDeps)
  return { ...rows, lease, look, alarms, bed, service }
}

describe('what a host printed while nobody looked', () => {
  it('lies on the bed that was believed clear, with one alarm until a person clears the bed', async () => {
    const { database, look, bed, alarms, service, lease } = await open()
    await using _ = database
    await look(prints(1, 2))
    expect(await bed()).toBe('clear')
    await look(prints(1, 4))
    expect(await bed()).toBe('occupied')
    expect(await alarms()).toEqual([
      '“mine-4.gcode”, which Gantry did not order, was printed while it did not look; the bed is not clear.',
    ])
    await service.clearBed(SYSTEM_ACTOR, lease.printerId, null)
    expect(await alarms()).toEqual([])
    await look(prints(1, 4))
    expect(await bed()).toBe('clear')
  })

  it('calls nobody when the bed is occupied already', async () => {
    const { database, look, alarms, unitOfWork, lease } = await open()
    await using _ = database
    await look([])
    await unitOfWork.run((tx) => tx.beds.occupy(lease.printerId, tx.now))
    await look(prints(1, 1))
    expect(await alarms()).toEqual([])
  })

  it('is no news at the first look, nor when it was watched', async () => {
    const { database, look, bed } = await open()
    await using _ = database
    await look(prints(1, 3))
    await look(prints(1, 4), { watched: ['mine-4.gcode'] })
    expect(await bed()).toBe('clear')
  })

  it('is no news when it comes into view because newer prints were deleted', async () => {
    const { database, look, bed } = await open()
    await using _ = database
    await look(prints(1, 150))
    await look(prints(1, 140))
    expect(await bed()).toBe('clear')
    await look([print(151), ...prints(1, 140)])
    expect(await bed()).toBe('occupied')
  })

  it('counts also when its end is not written down, and then once', async () => {
    const { database, look, bed, service, lease } = await open()
    await using _ = database
    await look([])
    await look([print(1, { outcome: 'running', endedAt: null })])
    expect(await bed()).toBe('occupied')
    await service.clearBed(SYSTEM_ACTOR, lease.printerId, null)
    await look([print(1)])
    expect(await bed()).toBe('clear')
  })

  it('counts when the host keeps no record of it and only shows it', async () => {
    const { database, look, bed } = await open()
    await using _ = database
    await look([])
    await look([], { report: shows('sdcard:mine.gco') })
    expect(await bed()).toBe('occupied')
  })

  it('is ours when an attempt bears its name, unless it was printed once more or was proven never to have started', async () => {
    const { database, prisma, look, bed, job, claimed, lease, service } = await open()
    await using _ = database
    await look([])
    await job()
    const id = await claimed(lease)
    const end = { state: 'completed', hostJobRef: '1' } as const
    const { remoteName } = await prisma.attempt.update({ where: { id }, data: end })
    await service.clearBed(SYSTEM_ACTOR, lease.printerId, null)
    const ours = print(1, { remotePath: remoteName })
    await look([ours])
    expect(await bed()).toBe('clear')
    await look([print(2, { remotePath: remoteName }), ours])
    expect(await bed()).toBe('occupied')

    await service.clearBed(SYSTEM_ACTOR, lease.printerId, null)
    await prisma.attempt.update({ where: { id }, data: { state: 'revoked', hostJobRef: null } })
    await look([print(3, { remotePath: remoteName })])
    expect(await bed()).toBe('occupied')
  })

  it('is remembered for the copy that was claimed meanwhile: it is given back with an occupied bed', async () => {
    const { database, reads, look, job, claimed, lease, alarms } = await open()
    await using _ = database
    await look([])
    await job()
    await claimed(lease)
    await look(prints(1, 1))
    expect((await reads.attempts.findActiveOn(lease.printerId))?.bedBefore).toBe('occupied')
    expect(await alarms()).toHaveLength(1)
  })

  it('is left to the next owner by an instance that lost its lease', async () => {
    const { database, look, lease, bed, leaseTo } = await open()
    await using _ = database
    await look([])
    const next = await leaseTo('ins_b', lease.printerId)
    await expect(look(prints(1, 1))).rejects.toThrow(GantryError)
    expect(await bed()).toBe('clear')
    await look(prints(1, 1), { under: next })
    expect(await bed()).toBe('occupied')
  })
})
