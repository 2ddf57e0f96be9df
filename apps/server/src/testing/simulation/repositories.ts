import type { ClaimRepositories } from '../../modules/print-jobs/claims.js'
import type { LedgerRepositories } from '../../modules/print-jobs/attempt-effects.js'
import type {
  ClaimablePrinter,
  CopyBinding,
  PastPrintRepository,
  WaitingJob,
} from '../../modules/print-jobs/print-jobs.ports.js'
import type { Lease } from '../../modules/printers/printer-session.js'
import type { FleetRepository, PrinterRepository } from '../../modules/printers/printers.ports.js'
import { GantryError } from '../../kernel/index.js'
import type { HoldSubject } from '../../modules/printers/holds.ports.js'
import {
  countsOf,
  isActive,
  jobSubject,
  must,
  printerSubject,
  type JobRow,
  type PrinterRow,
  type Tables,
} from './tables.js'

export type SimulatedRepositories = LedgerRepositories &
  ClaimRepositories & { printers: PrinterRepository; fleet: FleetRepository; pastPrints: PastPrintRepository }

/** The transaction that runs. */
export interface Snapshot {
  tables: Tables
  now: Date
}

/** What the database does for these ports, without SQL. What nobody asks while printers are driven is not there. */
export const repositoriesOn = (db: Snapshot): SimulatedRepositories =>
  ({
    attempts: attemptsOn(db),
    printJobs: printJobsOn(db),
    holds: holdsOn(db),
    alarms: alarmsOn(db),
    beds: bedsOn(db),
    pastPrints: pastPrintsOn(db),
    // No job of the simulation belongs to a project's part, so nobody asks for these.
    parts: {},
    printers: printersOn(db),
    fleet: fleetOn(db),
  }) as unknown as SimulatedRepositories

const holdsLease = (row: PrinterRow | undefined, { owner, epoch }: Lease, now: Date): row is PrinterRow =>
  row?.leaseOwner === owner && row.leaseEpoch === epoch && row.leaseUntil !== null && row.leaseUntil > now

const claimableOn = (db: Snapshot, leases: Lease[]): Promise<ClaimablePrinter[]> =>
  Promise.resolve(
    leases.flatMap((lease) => {
      const record = db.tables.printerRecord(lease.printerId)
      if (!holdsLease(db.tables.printers.get(lease.printerId), lease, db.now) || record === null) return []
      const { id: printerId, name, enabled, maintenance, bed, bedSince, activeAttempt } = record
      const holdCodes = record.holds.map(({ code }) => code)
      const activeAttemptId = activeAttempt?.id ?? null
      return [{ printerId, name, facts: record, enabled, maintenance, bed, bedSince, holdCodes, activeAttemptId }]
    }),
  )

const attemptsOn = (db: Snapshot): Partial<LedgerRepositories['attempts']> => ({
  lookAtForClaim: (leases) => claimableOn(db, leases),
  lockForClaim: (leases) => claimableOn(db, leases),
  isLeaseValid: (lease) => Promise.resolve(holdsLease(db.tables.printers.get(lease.printerId), lease, db.now)),
  create: (attempts) => {
    for (const { lease, ...attempt } of attempts) {
      const { printerId, epoch: leaseEpoch } = lease
      if (
        db.tables.activeOn(printerId) !== undefined ||
        db.tables.activeOf(attempt.jobId, attempt.copyNumber).length > 0
      )
        return Promise.reject(
          new GantryError('INVALID_STATE', { detail: 'the printer or the copy is in hand already' }),
        )
      const job = must(db.tables.jobs.get(attempt.jobId))
      db.tables.put('attempts', attempt.id, {
        ...{ ...attempt, printerId, leaseEpoch, state: 'claimed', jobName: job.name, fileVersionId: job.fileVersionId },
        ...{ origin: null, partId: null, projectId: null, printerGroupId: null, fileSha256: 'ab', fileSizeBytes: 10 },
        ...{ remotePath: null, reason: null, cancelRequested: false, reassign: null, startSentAt: null },
        ...{ startedAt: null, slicedFilamentMm: null, slicedFilamentGrams: null, endedAt: null, fileRemovedAt: null },
      })
      db.tables.setBed(printerId, 'occupied', db.now)
    }
    return Promise.resolve()
  },
  lock: (attemptId) => Promise.resolve(db.tables.attempts.get(attemptId) ?? null),
  lockAlone: (attemptId) => Promise.resolve(db.tables.attempts.get(attemptId) ?? null),
  update: (attemptId, { cancelRequestedAt, reassignRequestedAt, reassignToPrinterId, ...patch }) => {
    const row = must(db.tables.attempts.get(attemptId))
    db.tables.put('attempts', attemptId, {
      ...{ ...row, ...patch },
      cancelRequested: row.cancelRequested || cancelRequestedAt !== undefined,
      reassign: reassignRequestedAt === undefined ? row.reassign : { toPrinterId: reassignToPrinterId ?? null },
    })
    return Promise.resolve()
  },
  findActiveOn: (printerId) => Promise.resolve(db.tables.activeOn(printerId) ?? null),
  listActiveOn: (printerIds) => Promise.resolve(printerIds.flatMap((id) => db.tables.activeOn(id) ?? [])),
  listActiveOfJob: (jobId) => Promise.resolve(db.tables.activeOf(jobId)),
  unwantedOn: (printerIds) =>
    Promise.resolve(
      printerIds.filter((printerId) => {
        const active = db.tables.activeOn(printerId)
        return active !== undefined && (active.cancelRequested || active.reassign !== null)
      }),
    ),
  endedAmong: (printerId, names) =>
    Promise.resolve(
      [...db.tables.attempts.values()]
        .filter((row) => row.printerId === printerId && !isActive(row.state) && names.includes(row.remoteName))
        .map(({ remoteName }) => remoteName),
    ),
  startedAmong: (printerId, names) =>
    Promise.resolve(
      [...db.tables.attempts.values()]
        .filter((row) => row.printerId === printerId && row.state !== 'revoked' && names.includes(row.remoteName))
        .map(({ remoteName }) => ({ remoteName, hostJobRef: null })),
    ),
  listWithFileOn: (printerId, limit) =>
    Promise.resolve(
      [...db.tables.attempts.values()]
        .filter((row) => row.printerId === printerId && !isActive(row.state) && row.fileRemovedAt === null)
        .slice(0, limit),
    ),
  get: (_actor, attemptId) => {
    const { reassign: _wish, ...row } = must(db.tables.attempts.get(attemptId))
    const measured = { printSeconds: null, filamentUsedMm: null, filamentUsedGrams: null }
    return Promise.resolve({ ...row, ...measured, reassign: null, claimedAt: db.now })
  },
})

const waitingJobOf = (tables: Tables, job: JobRow): WaitingJob => ({
  ...job,
  queuedCopies: job.counts.queued,
  bindings: tables.copiesOf(job.id).filter((copy) => copy.state === 'queued' && isBound(copy)),
})

const isBound = ({ onlyPrinterId, notPrinterId }: CopyBinding): boolean =>
  onlyPrinterId !== null || notPrinterId !== null

const printJobsOn = (db: Snapshot): Partial<LedgerRepositories['printJobs']> => ({
  // All jobs of the simulation ask for the same, and there are fewer of them than the smallest page holds.
  waitingKinds: () => Promise.resolve([...db.tables.jobs.values()].slice(0, 1).map((job) => ({ ...job, key: 'any' }))),
  waiting: () =>
    Promise.resolve(
      [...db.tables.jobs.values()]
        .filter(({ counts }) => counts.queued > 0)
        .toSorted((a, b) => b.priority - a.priority)
        .map((job) => waitingJobOf(db.tables, job)),
    ),
  lockQueued: (jobIds) =>
    Promise.resolve(
      jobIds
        .map((jobId) => must(db.tables.jobs.get(jobId)))
        .filter(({ counts }) => counts.queued > 0)
        .map((job) => ({ ...countsOf(job), requirements: job.requirements })),
    ),
  queuedCopies: (jobIds) =>
    Promise.resolve(
      jobIds.flatMap((jobId) =>
        db.tables
          .copiesOf(jobId)
          .filter(({ state }) => state === 'queued')
          .map((copy) => ({ ...copy, copyNumber: copy.number })),
      ),
    ),
  activate: (jobs, copies) => {
    for (const { jobId, copyNumber } of copies) db.tables.moveCopy(jobId, copyNumber, 'active')
    return Promise.resolve(jobs.map(({ id }) => countsOf(must(db.tables.jobs.get(id)))))
  },
  bindCopy: (jobId, number, binding) => {
    db.tables.bindCopy(jobId, number, binding)
    return Promise.resolve()
  },
  unbindCopies: (jobId) => {
    const nothing = { onlyPrinterId: null, notPrinterId: null }
    for (const { number } of db.tables.copiesOf(jobId)) db.tables.bindCopy(jobId, number, nothing)
    return Promise.resolve()
  },
  lock: (_actor, jobId) => Promise.resolve(countsOf(must(db.tables.jobs.get(jobId)))),
  moveCopy: (jobId, copyNumber, to) => Promise.resolve(db.tables.moveCopy(jobId, copyNumber, to)),
  moveIdleCopies: (jobId, from, to) => {
    for (const { number, state } of db.tables.copiesOf(jobId))
      if (state === from && db.tables.activeOf(jobId, number).length === 0) db.tables.moveCopy(jobId, number, to)
    return Promise.resolve(countsOf(must(db.tables.jobs.get(jobId))))
  },
  heldCopiesThatFailed: (jobId) =>
    Promise.resolve(
      db.tables
        .copiesOf(jobId)
        .filter(({ number, state }) => {
          const tried = [...db.tables.attempts.values()].filter(
            (row) => row.jobId === jobId && row.copyNumber === number,
          )
          return state === 'held' && tried.at(-1)?.state === 'failed'
        })
        .map(({ number }) => number),
    ),
})

const subjectOf = (subject: HoldSubject): string =>
  'printerId' in subject ? printerSubject(subject.printerId) : jobSubject(subject.jobId)

const holdsOn = (db: Snapshot): LedgerRepositories['holds'] => ({
  open: (about, reason) => {
    const subject = subjectOf(about)
    const key = `${subject} ${reason.code}`
    if (db.tables.holds.has(key)) return Promise.resolve(false)
    db.tables.put('holds', key, { subject, reason })
    return Promise.resolve(true)
  },
  release: (about, codes) => {
    const subject = subjectOf(about)
    const released = [...db.tables.holds].filter(
      ([, hold]) => hold.subject === subject && (codes === 'all' || codes.includes(hold.reason.code)),
    )
    for (const [key] of released) db.tables.remove('holds', key)
    return Promise.resolve(released.map(([, { reason }]) => reason.code))
  },
})

const alarmsOn = (db: Snapshot): Partial<LedgerRepositories['alarms']> => ({
  raise: ({ code, subjectId, params }) => {
    const key = `${code} ${subjectId}`
    if (db.tables.alarms.has(key)) return Promise.resolve(null)
    db.tables.put('alarms', key, { id: key, code, subject: subjectId, params })
    return Promise.resolve(key)
  },
  clear: (code, { subjectId }, _now, having = {}) => {
    const key = `${code} ${subjectId}`
    const params = db.tables.alarms.get(key)?.params ?? {}
    const isMeant = Object.entries(having).every(([name, value]) => params[name] === value)
    return Promise.resolve(isMeant && db.tables.remove('alarms', key) ? [key] : [])
  },
  clearOfJob: (code, jobId) => {
    const open = [...db.tables.alarms.values()].filter(
      (alarm) => alarm.code === code && db.tables.attempts.get(alarm.subject)?.jobId === jobId,
    )
    for (const { id } of open) db.tables.remove('alarms', id)
    return Promise.resolve(open.map(({ id }) => id))
  },
})

const bedsOn = (db: Snapshot): LedgerRepositories['beds'] => ({
  clear: (printerId, _byId, now) => {
    if (db.tables.activeOn(printerId) !== undefined) return Promise.resolve(null)
    const changed = must(db.tables.printers.get(printerId)).bed === 'occupied'
    if (changed) db.tables.setBed(printerId, 'clear', now)
    return Promise.resolve(changed)
  },
  lock: (printerId) => {
    const { bed, bedSince: since } = must(db.tables.printers.get(printerId))
    return Promise.resolve({ bed, since })
  },
  occupy: (printerId, now, anew = false) => {
    const active = db.tables.activeOn(printerId)
    if (active !== undefined) db.tables.put('attempts', active.id, { ...active, bedBefore: 'occupied' })
    const changed = anew || must(db.tables.printers.get(printerId)).bed === 'clear'
    if (changed) db.tables.setBed(printerId, 'occupied', now)
    return Promise.resolve(changed)
  },
  restore: (printerId, bed, now) => {
    db.tables.setBed(printerId, bed, now)
    return Promise.resolve()
  },
})

const pastPrintsOn = (db: Snapshot): PastPrintRepository => ({
  known: (printerId) => Promise.resolve(db.tables.pastPrints.get(printerId) ?? null),
  remember: (printerId, marks) => {
    db.tables.put('pastPrints', printerId, new Set(marks))
    return Promise.resolve()
  },
})

const printersOn = (db: Snapshot): Partial<PrinterRepository> => ({
  get: (_actor, printerId) => Promise.resolve(db.tables.printerRecord(printerId)),
  getMany: (printerIds) =>
    Promise.resolve(
      new Map(
        printerIds.flatMap((id) => {
          const record = db.tables.printerRecord(id)
          return record === null ? [] : [[id, record] as const]
        }),
      ),
    ),
})

const isLeased = ({ leaseUntil }: PrinterRow, now: Date): boolean => leaseUntil !== null && leaseUntil > now

const fleetOn = (db: Snapshot): Partial<FleetRepository> => ({
  announce: (owner, capacity, forSeconds) => {
    db.tables.put('instances', owner, { capacity, aliveUntil: inSeconds(db.now, forSeconds) })
    return Promise.resolve()
  },
  leave: (owner) => {
    db.tables.remove('instances', owner)
    return Promise.resolve()
  },
  situation: () => {
    const printers = [...db.tables.printers.values()]
    const living = [...db.tables.instances.values()].filter(({ aliveUntil }) => aliveUntil > db.now)
    return Promise.resolve({
      ...{ printers: printers.length, free: printers.filter((row) => !isLeased(row, db.now)).length },
      capacities: living.map(({ capacity }) => capacity),
    })
  },
  renew: (owner, held, _seen, leaseSeconds) => {
    const mine = held
      .flatMap((id) => db.tables.printers.get(id) ?? [])
      .filter((row) => row.leaseOwner === owner && isLeased(row, db.now))
    for (const row of mine) db.tables.put('printers', row.id, { ...row, leaseUntil: inSeconds(db.now, leaseSeconds) })
    return Promise.resolve(mine.map(grantOf))
  },
  acquire: (owner, limit, except, leaseSeconds) => {
    const taken = [...db.tables.printers.values()]
      .filter((row) => !except.includes(row.id) && (!isLeased(row, db.now) || row.leaseOwner === owner))
      .slice(0, Math.max(0, limit))
      .map((row) => ({ ...row, leaseOwner: owner, leaseEpoch: row.leaseEpoch + 1 }))
    for (const row of taken) db.tables.put('printers', row.id, { ...row, leaseUntil: inSeconds(db.now, leaseSeconds) })
    return Promise.resolve(taken.map(grantOf))
  },
  retire: (owner, held, limit) => {
    const ready = held
      .flatMap((id) => db.tables.printers.get(id) ?? [])
      .filter((row) => row.leaseOwner === owner && isLeased(row, db.now))
      .filter(({ id }) => !UNDER_WAY.has(db.tables.activeOn(id)?.state ?? ''))
      .slice(0, Math.max(0, limit))
    for (const row of ready) db.tables.put('printers', row.id, { ...row, leaseEpoch: row.leaseEpoch + 1 })
    return Promise.resolve(ready.map(({ id }) => id))
  },
  release: (owner, printerIds) => releaseOn(db, owner, (id) => printerIds.includes(id)),
  releaseAllBut: (owner, printerIds) => releaseOn(db, owner, (id) => !printerIds.includes(id)),
  saveStates: () => Promise.resolve([]),
  saveHost: () => Promise.resolve(),
})

const UNDER_WAY = new Set(['claimed', 'uploading', 'starting'])

const inSeconds = (now: Date, seconds: number): Date => new Date(now.getTime() + seconds * 1_000)

const grantOf = ({ id, leaseEpoch }: PrinterRow) => ({ printerId: id, epoch: leaseEpoch })

const releaseOn = (db: Snapshot, owner: string, concerns: (printerId: string) => boolean): Promise<void> => {
  for (const row of [...db.tables.printers.values()])
    if (row.leaseOwner === owner && concerns(row.id))
      db.tables.put('printers', row.id, { ...row, leaseOwner: null, leaseUntil: null })
  return Promise.resolve()
}
