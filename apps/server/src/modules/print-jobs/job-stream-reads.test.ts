import type { Attempt, PrintJob } from '@gantry/schemas'
import { describe, expect, it } from 'vitest'

import { onPrimary, SYSTEM_ACTOR, type Actor } from '../../kernel/index.js'
import { JobStreamReads } from './job-stream-reads.js'
import type { AttemptRepository, PrintJobRepository } from './print-jobs.ports.js'

const seesAll: Actor = { ...SYSTEM_ACTOR, id: 'usr_all' }
const seesOne: Actor = { ...seesAll, id: 'usr_one', scope: { printerGroups: 'all', projects: ['prj_1'] } }

/** Answers when it is told to, with the version that a job has by then. */
const rig = () => {
  const calls: { by: string; ids: string[]; answer: () => void }[] = []
  let version = 1
  const getMany = (actor: Actor, ids: string[]) =>
    new Promise<Map<string, PrintJob>>((resolve) => {
      const read = version
      const found = ids
        .filter((id) => id !== 'hidden')
        .map((id) => [id, { id, version: read }] as unknown as [string, PrintJob])
      calls.push({ by: actor.id, ids, answer: () => resolve(new Map(found)) })
    })
  const printJobs = { getMany } as unknown as PrintJobRepository
  const attempts = { getMany: () => Promise.resolve(new Map<string, Attempt>()) } as unknown as AttemptRepository
  const reads = new JobStreamReads(onPrimary({ printJobs, attempts }))
  const settle = async () => {
    for (let n = 0; n < calls.length; n += 1) {
      calls[n]?.answer()
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { calls, reads, settle, change: () => (version += 1) }
}

describe('what live streams read', () => {
  it('is read twice at most for any number of streams that hear of a change at once', async () => {
    const { calls, reads, settle } = rig()
    const asked = Array.from({ length: 300 }, () => reads.find(seesAll, ['job_1'], []))
    await settle()
    for (const { jobs } of await Promise.all(asked)) expect([...jobs.keys()]).toEqual(['job_1'])
    expect(calls.map(({ ids }) => ids)).toEqual([['job_1'], ['job_1']])
  })

  it('is never older than the question', async () => {
    const { reads, settle, change } = rig()
    const before = reads.find(seesAll, ['job_1'], [])
    change()
    const after = reads.find(seesAll, ['job_1'], [])
    await settle()
    expect((await before).jobs.get('job_1')).toMatchObject({ version: 1 })
    expect((await after).jobs.get('job_1')).toMatchObject({ version: 2 })
  })

  it('is read by each for itself who may not see everything', async () => {
    const { calls, reads, settle } = rig()
    const asked = [reads.find(seesOne, ['job_1', 'hidden'], []), reads.find(seesAll, ['job_1'], [])]
    await settle()
    expect([...((await asked[0])?.jobs.keys() ?? [])]).toEqual(['job_1'])
    expect(calls.map(({ by }) => by).sort()).toEqual(['system', 'usr_one'])
  })
})
