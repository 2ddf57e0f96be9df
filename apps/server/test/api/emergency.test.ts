import { createFleet } from '@gantry/virtual-printers'
import pg from 'pg'
import { describe, expect, it } from 'vitest'

import { newId } from '../../src/kernel/index.js'
import { startAppUnderTest } from '../../src/testing/app-under-test.js'

/** A server that drives one virtual printer of each kind. */
const openShop = async () => {
  const fleet = await createFleet({ octoprint: 1, moonraker: 1 })
  const app = await startAppUnderTest()
  const machines = await Promise.all(
    fleet.printers.map(async ({ name, kind, url, apiKey, machine }) => {
      const { id } = await app.admin.trpc.printers.create.mutate({ name, kind, url, apiKey })
      const status = async () => (await app.admin.trpc.printers.get.query({ id })).status
      // Connected: nobody has cleared the bed.
      await expect.poll(async () => (await status()).state).toBe('finished')
      return { id, machine }
    }),
  )
  const commands = async () =>
    (await app.prisma.printerCommand.findMany({ orderBy: { createdAt: 'asc' } })).map(({ state }) => state)
  return {
    ...{ app, machines, commands },
    stop: (id: string) => app.admin.rest('POST', `/api/printers/${id}/emergency-stop`, {}),
    [Symbol.asyncDispose]: async () => {
      await app[Symbol.asyncDispose]()
      await fleet.stop()
    },
  }
}

/** Nobody can read or write an order until the result is called. */
const lockOrders = async (url: string): Promise<() => Promise<void>> => {
  const client = new pg.Client(url)
  await client.connect()
  await client.query('BEGIN; LOCK TABLE printer_command IN ACCESS EXCLUSIVE MODE')
  return () => client.end()
}

describe('an emergency stop over the API', () => {
  it('is done while its order cannot be written, and the order that is written later is done too', async () => {
    await using shop = await openShop()
    const unlock = await lockOrders(shop.app.databaseUrl)
    try {
      const answers = await Promise.all(shop.machines.map(({ id }) => shop.stop(id)))
      expect(answers.map(({ status, body }) => [status, (body as { id: string }).id])).toEqual(
        shop.machines.map(({ id }) => [200, id]),
      )
      expect(shop.machines.map(({ machine }) => machine.state)).toEqual(['shutdown', 'shutdown'])
    } finally {
      await unlock()
    }
    await expect.poll(shop.commands).toEqual(['done', 'done'])
  })

  it('harms nothing when the machine stands still already', async () => {
    await using shop = await openShop()
    for (const { id } of shop.machines) expect((await shop.stop(id)).status).toBe(200)
    const late = shop.machines.map(({ id: printerId }) => ({
      ...{ id: newId('printerCommand'), printerId, kind: 'emergency_stop' },
      deadlineAt: new Date(Date.now() + 5_000),
    }))
    await shop.app.prisma.printerCommand.createMany({ data: late })
    await expect.poll(async () => (await shop.commands()).filter((state) => state === 'pending')).toEqual([])
    expect(shop.machines.map(({ machine }) => machine.state)).toEqual(['shutdown', 'shutdown'])
    expect((await shop.app.admin.rest('GET', '/ready')).status).toBe(200)
  })
})
