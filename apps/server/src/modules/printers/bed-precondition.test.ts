import { describe, expect, it } from 'vitest'

import { SYSTEM_ACTOR, systemClock } from '../../kernel/index.js'
import { openPrintingDatabase } from '../../testing/printing-database.js'
import { PrintersService, type PrintersServiceDeps } from './printers.service.js'

const open = async () => {
  const rows = await openPrintingDatabase()
  const { printerId } = await rows.printer()
  const service = new PrintersService({
    ...{ unitOfWork: rows.unitOfWork, reads: rows.reads },
    board: { get: () => null, clock: systemClock },
  } as unknown as PrintersServiceDeps)
  /** Something comes onto the bed, at a moment of its own. @returns since when it lies there */
  const occupy = async (anew = false) => {
    const before = (await service.get(SYSTEM_ACTOR, printerId)).status.bedSince
    await rows.unitOfWork.run((tx) => tx.beds.occupy(printerId, new Date(before.getTime() + 1), anew))
    return (await service.get(SYSTEM_ACTOR, printerId)).status.bedSince
  }
  const clear = (ifBedSince: Date | null) => service.clearBed(SYSTEM_ACTOR, printerId, ifBedSince)
  const release = (ifBedSince: Date | null) => service.release(SYSTEM_ACTOR, printerId, ifBedSince)
  const status = async () => (await service.get(SYSTEM_ACTOR, printerId)).status
  return { database: rows.database, service, printerId, occupy, clear, release, status }
}

const REFUSED = { code: 'INVALID_STATE', params: { detail: 'something else lies on the bed by now' } }

describe('a word on the bed as somebody saw it', () => {
  it('clears what was seen, and also when it is repeated', async () => {
    const { database, occupy, clear, status } = await open()
    await using _ = database
    const seen = await occupy()
    await clear(seen)
    await clear(seen)
    expect((await status()).bed).toBe('clear')
  })

  it('is refused when the next print lies there by now', async () => {
    const { database, occupy, clear, status } = await open()
    await using _ = database
    const seen = await occupy()
    await clear(seen)
    const next = await occupy()
    await expect(clear(seen)).rejects.toMatchObject(REFUSED)
    expect(await status()).toMatchObject({ bed: 'occupied', bedSince: next })
    await clear(next)
    expect((await status()).bed).toBe('clear')
  })

  it('is refused when a print of people’s own came on top of what was seen', async () => {
    const { database, occupy, clear } = await open()
    await using _ = database
    const seen = await occupy()
    await occupy(true)
    await expect(clear(seen)).rejects.toMatchObject(REFUSED)
  })

  it('releases no hold when something else lies there by now', async () => {
    const { database, service, printerId, occupy, release, status } = await open()
    await using _ = database
    await service.hold(SYSTEM_ACTOR, printerId, null)
    const seen = await occupy()
    const next = await occupy(true)
    await expect(release(seen)).rejects.toMatchObject(REFUSED)
    expect((await status()).waitingFor.map(({ code }) => code)).toContain('PRINTER_HELD')
    await release(next)
    expect((await status()).waitingFor.map(({ code }) => code)).not.toContain('PRINTER_HELD')
  })

  it('needs no precondition', async () => {
    const { database, occupy, clear, status } = await open()
    await using _ = database
    await occupy()
    await clear(null)
    expect((await status()).bed).toBe('clear')
  })
})
