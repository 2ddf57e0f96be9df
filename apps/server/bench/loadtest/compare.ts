import { randomBytes } from 'node:crypto'

import { startDatabase } from '../bench-database.js'
import { startServer, type BenchServer } from '../server-process.js'
import { seedFarm } from './farm.js'
import { Side } from './measure.js'
import type { Options } from './options.js'
import type { Comparison } from './table.js'

const ROUNDS = 3
const WARM_UP_SECONDS = 5

/** How the load goes, for a terminal. */
export type Progress = (text: string) => void

/** The real server without and with kept answers, on one seeded farm, round by round in turn. */
export const compare = async (
  { seconds, connections }: Pick<Options, 'seconds' | 'connections'>,
  progress: Progress,
  signal: AbortSignal,
): Promise<Comparison> => {
  progress('starting a private PostgreSQL and two servers on it')
  const database = await startDatabase()
  const started: (() => Promise<void>)[] = [() => database.stop()]
  try {
    const password = randomBytes(12).toString('base64url')
    const start = async (keepsAnswers: boolean): Promise<BenchServer> => {
      signal.throwIfAborted()
      // Nobody drives the printers: their hosts do not exist, and their absence is not what is measured.
      const server = await startServer({
        ...{ DATABASE_URL: database.url, REDIS_URL: '', GANTRY_ROLES: 'api', GANTRY_ADMIN_PASSWORD: password },
        CACHE_ANSWERS: String(keepsAnswers),
      })
      started.unshift(() => server.stop())
      return server
    }
    const [without, withKept] = [await start(false), await start(true)]
    progress('seeding the farm')
    const people = await seedFarm(database, without)
    const open = ({ url }: BenchServer) => Side.open({ url, people, connections, signal, writes: 'farm' })
    return await inTurn(await open(without), await open(withKept), { seconds, progress })
  } finally {
    for (const stop of started) await stop()
  }
}

/** Whatever else the machine does strikes both. */
const inTurn = async (
  before: Side,
  after: Side,
  { seconds, progress }: { seconds: number; progress: Progress },
): Promise<Comparison> => {
  progress('warming up')
  for (const side of [before, after]) await side.warmUp(Math.min(WARM_UP_SECONDS, seconds))
  const rounds: Comparison['rounds'][number][] = []
  for (let number = 1; number <= ROUNDS; number += 1) {
    const round = { before: await before.round(seconds / ROUNDS), after: await after.round(seconds / ROUNDS) }
    rounds.push(round)
    const rate = ({ statistics }: typeof round.before) => `${statistics.perSecond.toFixed(0)} /s`
    progress(`round ${number} of ${ROUNDS}: ${rate(round.before)} without kept answers, ${rate(round.after)} with them`)
  }
  return { before: before.measured, after: after.measured, rounds }
}
