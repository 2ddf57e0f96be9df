import { describe, expect, it } from 'vitest'

import { SYSTEM_ACTOR } from '../../kernel/index.js'
import { openPrintingDatabase, type JobSeed } from '../../testing/printing-database.js'
import type { UpdatePrintJobInput } from '@gantry/schemas'
import { editJob } from './edit-job.js'

const open = async (seed: JobSeed = {}) => {
  const rows = await openPrintingDatabase()
  const jobId = await rows.job(seed)
  const edit = (input: Omit<UpdatePrintJobInput, 'id'>) =>
    rows.unitOfWork.run((tx) => editJob(tx, SYSTEM_ACTOR, { id: jobId, ...input }))
  const job = async () => (await rows.reads.printJobs.get(SYSTEM_ACTOR, jobId))!
  return { ...rows, jobId, edit, job }
}

const INVALID = { code: 'INVALID_STATE' }

describe('a change of a print job', () => {
  it('counts the version on, and is refused to who read an older one', async () => {
    const { database, edit } = await open()
    await using _ = database
    const { version } = await edit({ name: 'Spare', priority: 7, ifVersion: 1 })
    expect(version).toBe(2)
    await expect(edit({ name: 'Other', ifVersion: 1 })).rejects.toMatchObject({ code: 'VERSION_CONFLICT' })
    expect(await edit({ ifVersion: 2 })).toMatchObject({ name: 'Spare', priority: 7 })
  })

  it('adds copies, and takes off those with which nobody has begun, never fewer', async () => {
    const { database, edit, job, printer, claimed, prisma } = await open({ copies: 2 })
    await using _ = database
    await claimed(await printer())
    expect(await edit({ copies: 4 })).toMatchObject({ copies: 4, counts: { queued: 3, active: 1 } })
    expect(await edit({ copies: 1 })).toMatchObject({ copies: 1, counts: { queued: 0, active: 1 } })
    expect(await edit({ copies: 2 })).toMatchObject({ copies: 2, counts: { queued: 1, active: 1 } })
    await claimed(await printer())
    await expect(edit({ copies: 1 })).rejects.toMatchObject(INVALID)
    expect(await job()).toMatchObject({ copies: 2, counts: { active: 2 } })
    expect(await prisma.printCopy.count()).toBe(2)
  })

  it('asks for more than the file while no copy is with a printer, and for nothing else once one is', async () => {
    const { database, edit, printer, claim, claimed } = await open({ copies: 2 })
    await using _ = database
    expect(await edit({ requirements: { materials: ['PETG'] } })).toMatchObject({
      requirements: { materials: ['PETG'], nozzleDiameterMm: null },
    })
    expect((await claim(await printer({ materials: ['PLA'] }))).kind).toBe('nothing_fits')
    await claimed(await printer({ materials: ['PETG'] }))
    await expect(edit({ requirements: { materials: ['PLA'] } })).rejects.toMatchObject(INVALID)
    expect(await edit({ priority: 9 })).toMatchObject({ priority: 9, requirements: { materials: ['PETG'] } })
  })

  it('is refused when the job is over', async () => {
    const { database, edit, unitOfWork, jobId } = await open()
    await using _ = database
    await unitOfWork.run((tx) => tx.printJobs.moveIdleCopies(jobId, 'queued', 'cancelled', tx.now))
    for (const input of [{ copies: 2 }, { name: 'x' }, { priority: 1 }])
      await expect(edit(input)).rejects.toMatchObject(INVALID)
  })

  it('orders no more of a part than its project still needs', async () => {
    const rows = await openPrintingDatabase()
    await using _ = rows.database
    const part = await rows.part(3)
    const id = await rows.job({ copies: 2, ...part })
    const edit = (copies: number) => rows.unitOfWork.run((tx) => editJob(tx, SYSTEM_ACTOR, { id, copies }))
    await expect(edit(4)).rejects.toMatchObject({ code: 'VALIDATION_FAILED' })
    expect(await edit(3)).toMatchObject({ copies: 3 })
  })
})
