import type { FleetPrinter } from '@gantry/virtual-printers'
import { describe, expect, it } from 'vitest'

import { House } from './house.js'

/** Keeps from the driver that an upload of a print has arrived, until `open`. */
const holdAnswersToUploads = (printers: readonly FleetPrinter[]) => {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  const arrived: string[] = []
  for (const { name, host } of printers)
    host.gate = async (call, next) => {
      const isUpload = call.channel === 'http' && call.method === 'POST' && call.path.includes('/files/')
      // What a driver tries the host with is small.
      if (!isUpload || Number(call.request.headers['content-length'] ?? 0) < 10_000) return next(call)
      const reply = await next(call)
      arrived.push(name)
      await opened
      return reply
    }
  return { arrived, open }
}

describe('a process that stands still for longer than its leases last', () => {
  it('does nothing late when it goes on: no start, no order; it takes its share again', async () => {
    await using house = await House.open({ octoprint: 2, moonraker: 1, database: 'shared' })
    const [api, first] = [house.start('api'), house.start('fleet,worker')]
    const frozen = await first.instance()
    await house.logIn(api)
    await house.register()
    await house.spread({ [frozen]: 3 })
    const [one, other, burning] = house.virtual.printers as [FleetPrinter, FleetPrinter, FleetPrinter]
    await house.clearBeds(one, other)
    const printsOn = await house.order(1)
    const [printing] = (await house.printing(1)) as [FleetPrinter]
    const uploads = holdAnswersToUploads(house.virtual.printers)
    const given = await house.order(1)
    await expect.poll(() => uploads.arrived.length, { timeout: 60_000 }).toBe(1)

    // Frozen between the upload and the start, whose turn it is when the process goes on.
    first.child.kill('SIGSTOP')
    uploads.open()
    await house.caller.trpc.printers.emergencyStop.mutate({ id: house.id(burning) })
    expect(burning.machine.state).toBe('shutdown')
    const late = await house.caller.call('mutation', 'printers.pause', { id: house.id(printing) })
    expect(late.error?.code).toBe('COMMAND_EXPIRED')

    const heir = await house.start('fleet,worker').instance()
    await house.spread({ [frozen]: 0, [heir]: 3 })
    await house.printing(2)
    first.child.kill('SIGCONT')
    await house.spread({ [frozen]: 1, [heir]: 2 })
    expect(first.terminal()).toContain('the leases ran out')
    expect((await house.printing(2)).map(({ name }) => name)).toEqual([one.name, other.name])
    expect(await house.commands()).toEqual(['emergency_stop done', 'pause expired'])

    for (const jobId of [printsOn, given]) await house.becomes(jobId, { done: 1 })
    expect(await house.attempts(given)).toEqual(['revoked', 'completed'])
    expect(house.virtual.counts().total).toMatchObject({ starts: 2, done: 2, secondStarts: 0, gcodeWhilePrinting: 0 })
  }, 240_000)
})
