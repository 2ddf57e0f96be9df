import { SYSTEM_ACTOR } from '../../src/kernel/index.js'
import type { PrintingRig } from '../../src/testing/printing-rig.js'

/** What the tests of printing days look at, and wait for. */
export const jobOf = (rig: PrintingRig, jobId: string) => rig.persistence.reads.printJobs.get(SYSTEM_ACTOR, jobId)

export const attemptsOf = (rig: PrintingRig, jobId: string) =>
  rig.persistence.reads.attempts.listOfJob(SYSTEM_ACTOR, jobId, 20)

export const openAlarms = async (rig: PrintingRig) =>
  (await rig.persistence.reads.alarms.list(SYSTEM_ACTOR, { open: true, limit: 10, cursor: null })).items.map(
    ({ code }) => code,
  )

export const inState = (rig: PrintingRig, jobId: string, state: string) =>
  rig.eventually(async () => {
    const job = await jobOf(rig, jobId)
    return job?.state === state && job
  })

export const attemptIn = (rig: PrintingRig, jobId: string, state: string) =>
  rig.eventually(async () => (await attemptsOf(rig, jobId)).find((attempt) => attempt.state === state))
