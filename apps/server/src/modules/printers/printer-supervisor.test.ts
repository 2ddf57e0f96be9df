import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { systemClock, type UnitOfWork } from '../../kernel/index.js'
import { recordingLogger } from '../../testing/recording-logger.js'
import { LeaseTerm, momentOf } from './lease-term.js'
import {
  DriverError,
  type ConnectOptions,
  type DriverConnection,
  type DriverEvent,
  type HostReport,
  type PermissionProbe,
} from './printer-driver.port.js'
import type { PrinterSession } from './printer-session.js'
import { PrinterSupervisor, type SupervisorDeps } from './printer-supervisor.js'
import type { PrinterLive, PrinterRecord } from './printers.ports.js'

const report: HostReport = {
  ...{ observed: 'Operational', state: 'idle', printerConnected: true, busyDetail: null, attention: null },
  ...{ heaters: [], job: null },
}
const allowed: PermissionProbe = { upload: true, delete: true, print: true, detail: null }
const timings = { connectMs: 20_000, retryFromMs: 1_000, retryToMs: 8_000, probeMs: 5_000, lostAfterMs: 20_000 }

const open = () => {
  const record = {
    ...{ id: 'prn', kind: 'octoprint', url: 'http://a', apiKeyCipher: null, enabled: true, activeAttempt: null },
  } as PrinterRecord
  const connects: { atMs: number; url: string }[] = []
  const losses: (string | null)[] = []
  const sessions: PrinterSession[] = []
  const host = {
    connect: null as DriverError | null,
    probes: [] as (PermissionProbe | DriverError)[],
    early: [] as DriverEvent[],
    hangUp: (_error: DriverError | null): void => undefined,
    say: (_event: DriverEvent): void => undefined,
  }
  const connection = (options: ConnectOptions): DriverConnection => {
    const closed = new Promise<DriverError | null>((resolve) => (host.hangUp = resolve))
    options.signal.addEventListener('abort', () => host.hangUp(null))
    host.say = options.onEvent
    for (const event of [{ type: 'report' as const, report }, ...host.early]) options.onEvent(event)
    return {
      identity: { product: 'Test', uniqueId: null },
      capabilities: new Set(),
      closed,
      probePermissions: () => {
        const probe = host.probes.shift() ?? allowed
        return probe instanceof Error ? Promise.reject(probe) : Promise.resolve(probe)
      },
      close: () => Promise.resolve(),
    } as unknown as DriverConnection
  }
  const lives: PrinterLive[] = []
  const deps: SupervisorDeps = {
    unitOfWork: {
      run: (work: (tx: unknown) => Promise<unknown>) => work({ fleet: { saveHost: () => Promise.resolve() } }),
    } as unknown as UnitOfWork<never>,
    load: () => Promise.resolve({ ...record }),
    drivers: {
      driverFor: () => ({
        kind: 'octoprint',
        emergencyStop: () => Promise.resolve(),
        connect: (target, options) => {
          connects.push({ atMs: Date.now(), url: target.url })
          return host.connect === null ? Promise.resolve(connection(options)) : Promise.reject(host.connect)
        },
      }),
    },
    sealer: { seal: (plain) => plain, open: (cipher) => cipher },
    worker: {
      serve: (session) => {
        sessions.push(session)
        return new Promise((resolve) => session.signal.addEventListener('abort', () => resolve()))
      },
      lost: (_lease, detail) => {
        losses.push(detail)
        return Promise.resolve()
      },
    },
    onLive: (live) => lives.push(live),
    clock: systemClock,
    random: () => 0.5,
    log: recordingLogger(),
    timings,
  }
  const term = new LeaseTerm(momentOf(deps.clock), 3_600_000, deps.clock)
  const supervisor = new PrinterSupervisor(deps, { printerId: 'prn', owner: 'ins', epoch: 3 }, term)
  return { supervisor, term, record, host, connects, losses, sessions, lives, deps }
}

const gone = new DriverError('unreachable', 'no route')

describe('a printer’s supervisor', () => {
  beforeEach(() => vi.useFakeTimers({ now: 0 }))
  afterEach(() => vi.useRealTimers())
  const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

  it('connects again and again, waiting twice as long each time up to a limit', async () => {
    const { supervisor, host, connects } = open()
    host.connect = gone
    supervisor.start()
    await pass(40_000)
    expect(connects.map(({ atMs }) => atMs)).toEqual([0, 2_000, 6_000, 14_000, 22_000, 30_000, 38_000])
    await supervisor.stop()
  })

  it('spreads its attempts by chance', async () => {
    const { host, connects, deps, term } = open()
    host.connect = gone
    const supervisor = new PrinterSupervisor(
      { ...deps, random: () => 0 },
      { printerId: 'prn', owner: 'i', epoch: 1 },
      term,
    )
    supervisor.start()
    await pass(3_000)
    expect(connects.map(({ atMs }) => atMs)).toEqual([0, 1_000, 3_000])
    await supervisor.stop()
  })

  it('tells of every connection that is made, made again, lost or not to be had, and how old the last report is', async () => {
    const { host, deps, term } = open()
    const heard: string[] = []
    const links: SupervisorDeps['links'] = {
      connected: (kind, again) => heard.push(`${kind} ${again ? 'again' : 'connected'}`),
      failed: (kind, code) => heard.push(`${kind} failed ${code}`),
      lost: (kind, code) => heard.push(`${kind} lost ${code}`),
    }
    const supervisor = new PrinterSupervisor({ ...deps, links }, { printerId: 'prn', owner: 'i', epoch: 1 }, term)
    host.connect = gone
    supervisor.start()
    await pass(1_000)
    expect(supervisor.reportAgeMs).toBeNull()
    host.connect = null
    await pass(2_000)
    host.say({ type: 'report', report })
    await pass(500)
    expect(supervisor.reportAgeMs).toBe(500)
    host.hangUp(gone)
    await pass(5_000)
    expect(supervisor.reportAgeMs).toBeGreaterThan(500)
    await supervisor.stop()
    expect(heard).toEqual([
      ...['octoprint failed unreachable', 'octoprint connected', 'octoprint lost unreachable', 'octoprint again'],
    ])
  })

  it('says once that a printer is lost, however often it cannot be connected', async () => {
    const { supervisor, host, losses } = open()
    host.connect = gone
    supervisor.start()
    await pass(timings.lostAfterMs - 1)
    expect(losses).toEqual([])
    await pass(200_000)
    expect(losses).toHaveLength(1)
    await supervisor.stop()
  })

  it('says nothing of a loss when the printer is back in time, and counts anew after the next', async () => {
    const { supervisor, host, losses, sessions } = open()
    supervisor.start()
    await pass(60_000)
    expect(sessions).toHaveLength(1)
    host.connect = gone
    host.hangUp(gone)
    await pass(10_000)
    host.connect = null
    await pass(60_000)
    expect(sessions).toHaveLength(2)
    expect(losses).toEqual([])
    host.connect = gone
    host.hangUp(gone)
    await pass(60_000)
    expect(losses).toEqual(['no route'])
    await supervisor.stop()
  })

  it('connects anew when the address was changed, and stays when only the name was', async () => {
    const { supervisor, record, connects } = open()
    supervisor.start()
    await pass(10)
    record.name = 'other'
    await supervisor.refresh()
    await pass(10_000)
    expect(connects).toHaveLength(1)
    record.url = 'http://b'
    await supervisor.refresh()
    await pass(10)
    expect(connects.map(({ url }) => url)).toEqual(['http://a', 'http://b'])
    await supervisor.stop()
  })

  it('stays connected when its key was only sealed anew, and connects anew with another key', async () => {
    const { supervisor, record, connects, deps } = open()
    deps.sealer = { seal: (plain) => plain, open: (cipher) => cipher.split(' ').at(-1) ?? '' }
    record.apiKeyCipher = 'old-key secret'
    supervisor.start()
    await pass(10)
    record.apiKeyCipher = 'new-key secret'
    await supervisor.refresh()
    await pass(10_000)
    expect(connects).toHaveLength(1)
    record.apiKeyCipher = 'new-key other'
    await supervisor.refresh()
    await pass(10)
    expect(connects).toHaveLength(2)
    await supervisor.stop()
  })

  it('hangs up a printer that was switched off only when no copy is in hand there', async () => {
    const { supervisor, record, sessions } = open()
    record.activeAttempt = { id: 'att', jobId: 'job', state: 'printing', remoteName: 'g', remotePath: null }
    supervisor.start()
    await pass(10)
    record.enabled = false
    await supervisor.refresh()
    await pass(10)
    expect(sessions[0]?.signal.aborted).toBe(false)
    record.activeAttempt = null
    await supervisor.refresh()
    await pass(200_000)
    expect(sessions[0]?.signal.aborted).toBe(true)
    expect(sessions).toHaveLength(1)
    await supervisor.stop()
  })

  it('follows the print at once and asks for the permissions until it gets an answer', async () => {
    const { supervisor, host, sessions } = open()
    host.probes = [gone, gone, allowed]
    supervisor.start()
    await pass(10)
    expect(sessions).toHaveLength(1)
    expect(supervisor.state.permissions).toBeNull()
    await pass(5_000)
    expect(supervisor.state.permissions).toEqual(allowed)
    await supervisor.stop()
  })

  it('keeps the end of a print that the host told before anybody could listen', async () => {
    const { supervisor, host, sessions } = open()
    const end: DriverEvent = {
      ...{ type: 'printEnded', remotePath: 'g', hostJobRef: null, outcome: 'failed', detail: 'jam' },
      ...{ printSeconds: 1, filamentUsedMm: null },
    }
    host.early = [end]
    supervisor.start()
    await pass(10)
    expect(sessions[0]?.latestEnd).toBe(end)
    await supervisor.stop()
  })

  it('lets a row that was read later win over one that was read before it', () => {
    const { supervisor, record } = open()
    const [older, newer] = [supervisor.expectRecord(), supervisor.expectRecord()]
    newer({ ...record, name: 'newer' })
    older({ ...record, name: 'older' })
    expect(supervisor.record?.name).toBe('newer')
  })

  it('counts its words anew with each lease, so that listeners do not take them for old ones', () => {
    expect(open().supervisor.state).toMatchObject({ boot: 'ins.3', seq: 0 })
  })

  it('follows no word of the host and connects no more once its lease is over, though nobody stopped it yet', async () => {
    const { supervisor, term, host, connects, sessions } = open()
    supervisor.start()
    await pass(10)
    term.end()
    host.say({ type: 'report', report: { ...report, state: 'printing' } })
    expect(supervisor.state.report?.state).toBe('idle')
    expect(sessions[0]?.isOver).toBe(true)
    host.hangUp(gone)
    await pass(60_000)
    expect(connects).toHaveLength(1)
  })

  it('shows a pause only until the host shows it', async () => {
    const { supervisor, host } = open()
    supervisor.start()
    await pass(10)
    host.say({ type: 'report', report: { ...report, state: 'printing' } })
    supervisor.expect('pause', 60_000)
    host.say({ type: 'report', report: { ...report, state: 'printing' } })
    expect(supervisor.state.pending?.kind).toBe('pause')
    host.say({ type: 'report', report: { ...report, state: 'paused' } })
    expect(supervisor.state.pending).toBeNull()
    await supervisor.stop()
  })

  it('waits for no pause that the host showed before it answered, nor after a resume', async () => {
    const { supervisor, host } = open()
    supervisor.start()
    await pass(10)
    host.say({ type: 'report', report: { ...report, state: 'paused' } })
    supervisor.expect('pause', 60_000)
    expect(supervisor.state.pending).toBeNull()
    host.say({ type: 'report', report: { ...report, state: 'printing' } })
    supervisor.expect('pause', 60_000)
    supervisor.expectNothing()
    expect(supervisor.state.pending).toBeNull()
    await supervisor.stop()
  })

  it('stops in the middle of connecting', async () => {
    const { deps, term } = open()
    const never = new DriverError('aborted', 'given up')
    const connect = (_target: unknown, { signal }: ConnectOptions) =>
      new Promise<DriverConnection>((_resolve, reject) => signal.addEventListener('abort', () => reject(never)))
    const drivers = {
      driverFor: () => ({ kind: 'octoprint' as const, connect, emergencyStop: () => Promise.resolve() }),
    }
    const supervisor = new PrinterSupervisor({ ...deps, drivers }, { printerId: 'prn', owner: 'i', epoch: 1 }, term)
    supervisor.start()
    await pass(10)
    await supervisor.stop()
    expect(supervisor.openSession).toBeNull()
  })
})
