import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { House } from './house.js'
import { terminated } from './server-process.js'

/** A dead process is replaced within this time: docs/adr/0009-sharing-printers.md. */
const TAKEN_OVER = { timeout: 15_000, interval: 50 }

describe('roles as processes of their own', () => {
  it('print together on the embedded default database that they start, all at the same moment', async () => {
    await using house = await House.open({ octoprint: 1, moonraker: 1, database: 'embedded' })
    const servers = (['api', 'worker', 'fleet'] as const).map((role) => house.start(role))
    for (const server of servers) await server.instance()
    const [api, ...others] = servers as [(typeof servers)[0], (typeof servers)[0], (typeof servers)[0]]
    await house.logIn(api)
    await house.register()
    await house.clearBeds(...house.virtual.printers)
    const jobId = await house.order(2)
    await house.printing(2)
    await house.becomes(jobId, { done: 2 })
    expect(house.virtual.counts().total).toMatchObject({ starts: 2, done: 2, startsOnOccupiedBed: 0, secondStarts: 0 })

    const isDatabaseThere = () => existsSync(join(house.dataDir, 'postgres/cluster/postmaster.pid'))
    for (const other of others) expect((await terminated(other)).ending).toBe(0)
    expect(isDatabaseThere()).toBe(true)
    expect((await terminated(api)).ending).toBe(0)
    expect(isDatabaseThere()).toBe(false)
  }, 240_000)

  it('share the printers on one PostgreSQL, and take over from one that was killed', async () => {
    await using house = await House.open({ octoprint: 2, moonraker: 2, database: 'shared' })
    const [api, first] = [house.start('api'), house.start('fleet,worker')]
    const dead = await first.instance()
    await house.logIn(api)
    await house.register()
    await house.spread({ [dead]: 4 })
    const heir = await house.start('fleet,worker').instance()
    await house.spread({ [dead]: 2, [heir]: 2 })

    await house.clearBeds(...house.virtual.printers)
    const jobId = await house.order(4)
    await house.printing(4)
    const [burning, calm] = await house.drivenBy(dead)
    if (burning === undefined || calm === undefined) throw new Error('nothing was driven by the one that is killed')
    first.child.kill('SIGKILL')
    await first.over
    // Nobody drives it for as long as the dead one's lease lasts.
    await house.caller.trpc.printers.emergencyStop.mutate({ id: house.id(burning) })
    expect([burning.machine.state, calm.machine.state]).toEqual(['shutdown', 'printing'])
    await house.spread({ [dead]: 0, [heir]: 4 }, TAKEN_OVER)

    await house.becomes(jobId, { done: 3, held: 1, active: 0 })
    expect(house.virtual.counts().total).toMatchObject({ starts: 4, done: 3, secondStarts: 0, startsOnOccupiedBed: 0 })
  }, 240_000)
})
