import { expect, it } from 'vitest'

import { repositoriesFor } from '../../db/repositories.js'
import { createUnitOfWork } from '../../db/unit-of-work.js'
import { ManualClock } from '../../testing/manual-clock.js'
import { openTestDatabase, silentHook } from '../../testing/open-database.js'
import { recordingLogger } from '../../testing/recording-logger.js'
import { ApiUse } from './api-use.js'
import type { ApiMinute } from './statistics.ports.js'

const AT_NOON = Date.parse('2026-07-01T12:00:00Z')

it('calls are counted by minute and procedure; to write them again changes nothing', async () => {
  await using database = await openTestDatabase()
  const { prisma } = database
  const unitOfWork = createUnitOfWork({ prisma, repositoriesFor, hook: silentHook })
  const clock = new ManualClock(AT_NOON)
  const use = new ApiUse({ unitOfWork, instanceId: 'ins_1', clock, log: recordingLogger() })
  const stored = () =>
    prisma.apiMinute.findMany({
      orderBy: [{ minute: 'asc' }, { procedure: 'asc' }],
      select: { minute: true, procedure: true, calls: true, errors: true },
    })
  use.note({ procedure: 'files.list', code: 'OK' })
  use.note({ procedure: 'files.list', code: 'NOT_FOUND' })
  await use.flush()
  use.note({ procedure: 'files.list', code: 'OK' })
  await use.flush()
  await use.flush()
  await clock.advance(60_000)
  use.note({ procedure: 'alarms.list', code: 'OK' })
  await use.stop()
  expect(await stored()).toEqual([
    { minute: new Date(AT_NOON), procedure: 'files.list', calls: 3, errors: 1 },
    { minute: new Date(AT_NOON + 60_000), procedure: 'alarms.list', calls: 1, errors: 0 },
  ])
})

it('what cannot be written is kept for twelve hours, and written when the database is back', async () => {
  const clock = new ManualClock(AT_NOON)
  const saved: ApiMinute[] = []
  let isAway = true
  const save = (_instanceId: string, minutes: ApiMinute[]) => {
    if (isAway) return Promise.reject(new Error('the database is away'))
    saved.push(...minutes)
    return Promise.resolve()
  }
  const unitOfWork = { run: <T>(work: (tx: never) => Promise<T>) => work({ apiUse: { save } } as never) }
  const use = new ApiUse({ unitOfWork: unitOfWork as never, instanceId: 'ins_1', clock, log: recordingLogger() })
  use.start()
  use.note({ procedure: 'files.list', code: 'OK' })
  await clock.advance(3_600_000)
  use.note({ procedure: 'files.list', code: 'OK' })
  await clock.advance(11.5 * 3_600_000)
  isAway = false
  await use.stop()
  expect(saved).toEqual([{ minute: new Date(AT_NOON + 3_600_000), procedure: 'files.list', calls: 1, errors: 0 }])
})
