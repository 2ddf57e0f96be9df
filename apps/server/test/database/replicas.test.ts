import { setTimeout as sleep } from 'node:timers/promises'

import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'

import type { PostgresProcess } from '../../processes/postgres-process.js'
import { startReplicatedPostgres, type ReplicatedPostgres } from '../../processes/replicated-postgres.js'
import type { Actor } from '../../src/kernel/index.js'
import { openHouse, type House, type HouseOptions } from './replicated-house.js'

let servers: ReplicatedPostgres
beforeAll(async () => {
  servers = await startReplicatedPostgres()
})
afterAll(() => servers.stop())

const replicaUrls = () => servers.replicas.map(({ url }) => url)
const open = (options: Partial<HouseOptions> = {}) =>
  openHouse({ url: servers.primary.url, replicaUrls: replicaUrls(), ...options })

const untilUsable = (house: House, count: number) =>
  expect.poll(() => house.persistence.usableReplicas(), { interval: 20 }).toBe(count)

/** A house that reads both replicas, and somebody whose reads may go there. */
const openWithReader = async (options: Partial<HouseOptions> = {}) => {
  const house = await open(options)
  const reader = await house.somebody()
  await untilUsable(house, 2)
  await readBy(house, reader, 'replica')
  return { house, reader }
}

/** Reads until the read is served so. */
const readBy = (house: House, actor: Actor, by: keyof House['served']) =>
  expect
    .poll(
      async () => {
        const before = house.served[by]
        await house.names(actor)
        return house.served[by] - before
      },
      { interval: 20 },
    )
    .toBe(1)

/** It takes what comes from the primary, and shows none of it. */
const pause = (replica: PostgresProcess) => replica.asAdmin((client) => client.query('select pg_wal_replay_pause()'))
const resume = (replica: PostgresProcess) => replica.asAdmin((client) => client.query('select pg_wal_replay_resume()'))

const healthOf = async ({ persistence }: House) => (await persistence.databaseHealth()).replicas

describe('lists', () => {
  it('are read from the replicas in turn, and not from the primary', async () => {
    const { house, reader } = await openWithReader()
    await using _closing = house
    const before = { served: { ...house.served }, operations: { ...house.operations } }
    for (let n = 0; n < 40; n += 1) await house.names(reader)
    expect(house.served).toEqual({ ...before.served, replica: before.served.replica + 40 })
    const health = await healthOf(house)
    const [first, second] = health.map(({ name }) => (house.operations[name] ?? 0) - (before.operations[name] ?? 0))
    expect(first).toBe(second)
    expect(first).toBeGreaterThanOrEqual(20)
  })

  it('show whoever has written what it wrote, each time', async () => {
    const { house } = await openWithReader()
    await using _closing = house
    const writer = await house.somebody()
    for (let n = 1; n <= 50; n += 1) {
      await house.add(writer, `Own ${n}`)
      expect((await house.names(writer))[0]).toBe(`Own ${n}`)
    }
    expect(house.served.primary_fresh).toBeGreaterThan(0)
  })

  it('show it also where another process has heard of the write', async () => {
    const { house } = await openWithReader({ maxLagMs: 60_000 })
    await using _closing = house
    await using elsewhere = await open()
    const writer = await house.somebody()
    const heard = new Promise<void>((resolve) => {
      house.persistence.bus.onEvent(({ type }) => {
        if (type === 'project.created') resolve()
      })
    })
    await Promise.all(servers.replicas.map(pause))
    try {
      await elsewhere.add(writer, 'Written elsewhere')
      await heard
      expect((await house.names(writer))[0]).toBe('Written elsewhere')
    } finally {
      await Promise.all(servers.replicas.map(resume))
    }
  })

  it('that must not be older than a moment are read from whoever has come so far', async () => {
    const { house, reader } = await openWithReader({ maxLagMs: 60_000 })
    await using _closing = house
    await Promise.all(servers.replicas.map(pause))
    try {
      await house.add(await house.somebody(), 'New')
      expect((await house.names(reader))[0]).not.toBe('New')
      expect((await house.names({ ...reader, readsAsOfMs: performance.now() }))[0]).toBe('New')
    } finally {
      await Promise.all(servers.replicas.map(resume))
    }
    await expect.poll(async () => (await house.names(reader))[0]).toBe('New')
    expect(house.served.primary_fresh).toBeGreaterThan(0)
  })
})

describe('a replica', () => {
  it('that lags more than is allowed is not read until it has caught up', async () => {
    const { house, reader } = await openWithReader({ maxLagMs: 500 })
    await using _closing = house
    const [late] = servers.replicas
    await pause(late)
    try {
      await house.add(await house.somebody(), 'Late')
      await untilUsable(house, 1)
      const [health] = await healthOf(house)
      expect(health).toMatchObject({ state: 'lagging', pool: { max: 4 } })
      expect(health?.lagSeconds).toBeGreaterThan(0.5)
      for (let n = 0; n < 20; n += 1) expect((await house.names(reader))[0]).toBe('Late')
    } finally {
      await resume(late)
    }
    await untilUsable(house, 2)
  })

  it('thirty seconds behind costs no wrong answer', async () => {
    const { house, reader } = await openWithReader({ maxLagMs: 500 })
    await using _closing = house
    const [behind] = servers.replicas
    const delay = (text: string) =>
      behind.asAdmin(async (client) => {
        await client.query(`alter system set recovery_min_apply_delay = '${text}'`)
        await client.query('select pg_reload_conf()')
      })
    await delay('30s')
    let wrong = 0
    try {
      const writer = await house.somebody()
      const written: { name: string; atMs: number }[] = []
      for (let n = 1; n <= 40; n += 1) {
        await house.add(writer, `Round ${n}`)
        written.push({ name: `Round ${n}`, atMs: performance.now() })
        const askedMs = performance.now()
        const seen = new Set(await house.names(reader))
        wrong += written.filter(({ name, atMs }) => askedMs - atMs > 500 && !seen.has(name)).length
        await sleep(40)
      }
      await untilUsable(house, 1)
      expect((await healthOf(house))[0]?.state).toBe('lagging')
    } finally {
      await delay('0')
    }
    expect(wrong).toBe(0)
    await untilUsable(house, 2)
  })

  it('of an idle primary does not look old', async () => {
    const { house } = await openWithReader({ maxLagMs: 500 })
    await using _closing = house
    const lines = house.log.lines.length
    await sleep(1_200)
    expect(house.persistence.usableReplicas()).toBe(2)
    expect(house.log.lines.slice(lines).filter(({ level }) => level === 'warn')).toEqual([])
  })

  it('that is stopped while it is read loses no read, and is read again when it is back', async () => {
    const { house, reader } = await openWithReader()
    await using _closing = house
    const expected = (await house.names(reader)).length
    let answered = 0
    let wrong = 0
    const readOn = async () => {
      for (let n = 0; n < 50; n += 1) {
        const { length } = await house.names(reader)
        answered += 1
        if (length !== expected) wrong += 1
        await sleep(4)
      }
    }
    const [stopped] = servers.replicas
    const reading = Promise.all(Array.from({ length: 4 }, readOn))
    await sleep(50)
    await stopped.stop()
    try {
      await reading
      expect([answered, wrong]).toEqual([200, 0])
      expect((await healthOf(house)).map(({ state }) => state)).toEqual(['failing', 'usable'])
    } finally {
      await stopped.start()
    }
    await untilUsable(house, 2)
  })

  it.each([
    ['is the primary itself', () => servers.primary.url],
    ['belongs to another database', () => inject('postgresUrl')],
  ])('that %s is not read', async (_what, url) => {
    await using house = await open({ replicaUrls: [url()] })
    await expect.poll(async () => (await healthOf(house))[0]?.state).toBe('foreign')
    await house.names(await house.somebody())
    expect(house.served).toEqual({ replica: 0, primary_fresh: 0, primary_alone: 1 })
  })
})

it('without any replica left the primary serves, which is told once, and they are read again when they are back', async () => {
  const { house, reader } = await openWithReader()
  await using _closing = house
  await Promise.all(servers.replicas.map((replica) => replica.stop()))
  try {
    await untilUsable(house, 0)
    const names = await house.names(reader)
    for (let n = 0; n < 20; n += 1) expect(await house.names(reader)).toEqual(names)
    expect(house.served.primary_alone).toBeGreaterThanOrEqual(20)
    await expect.poll(() => house.changes).toEqual([true, false])
    const told = house.log.lines.filter(({ message }) => message.startsWith('no database replica can be read'))
    expect(told).toHaveLength(1)
  } finally {
    await Promise.all(servers.replicas.map((replica) => replica.start()))
  }
  await untilUsable(house, 2)
  await readBy(house, reader, 'replica')
  await expect.poll(() => house.changes).toEqual([true, false, true])
})

it('a primary that is stopped at once and started again loses nothing that was committed', async () => {
  const { house, reader } = await openWithReader()
  await using _closing = house
  const writer = await house.somebody()
  const committed: string[] = []
  const refused: unknown[] = []
  let stopping = false
  const writeOn = async () => {
    for (let n = 0; !stopping; n += 1) {
      await house.add(writer, `Write ${n}`).then(
        () => committed.push(`Write ${n}`),
        (error: unknown) => refused.push((error as { code?: string }).code),
      )
    }
  }
  const writing = writeOn()
  await expect.poll(() => committed.length).toBeGreaterThan(3)
  await servers.primary.stop()
  await expect.poll(() => refused.length).toBeGreaterThan(0)
  const before = committed.length
  await servers.primary.start()
  await expect.poll(() => committed.length, { timeout: 5_000 }).toBeGreaterThan(before)
  stopping = true
  await writing
  await untilUsable(house, 2)
  const seen = new Set(await house.names(writer))
  expect(committed.slice(-100).filter((name) => !seen.has(name))).toEqual([])
  expect(new Set(refused)).toEqual(new Set(['UNAVAILABLE']))
  await readBy(house, reader, 'replica')
})
