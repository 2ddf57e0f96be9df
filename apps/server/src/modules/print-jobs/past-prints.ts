import { createHash } from 'node:crypto'

import { GantryError, type TransactionContext, type UnitOfWork } from '../../kernel/index.js'
import type { AlarmRepository } from '../alarms/alarms.ports.js'
import type { HistoryEntry, HostReport } from '../printers/printer-driver.port.js'
import type { Lease, PrinterSession } from '../printers/printer-session.js'
import { isBusy } from '../printers/printer.state.js'
import type { BedRepository } from '../printers/printers.ports.js'
import { foundOver } from './foreign-facts.js'
import type { AttemptRepository, PastPrintRepository } from './print-jobs.ports.js'
import { isOurRemoteName, nameOf } from './remote-name.js'

/** So many prints of a host are compared, and remembered. */
const COMPARED_PRINTS = 100
const ASK_MS = 30_000

interface Repositories {
  alarms: AlarmRepository
  attempts: AttemptRepository
  beds: BedRepository
  pastPrints: PastPrintRepository
}

type Transaction = Repositories & TransactionContext

/** A print that is over, as a host remembers it. */
interface PastPrint {
  path: string
  hostJobRef: string | null
  /** Tells it from every other, be it of the same file. */
  mark: string
}

interface Look {
  lease: Lease
  /** Newest first. */
  prints: PastPrint[]
  /** Whether the host may remember more than was read. */
  isCut: boolean
  /** Files that were seen while they were printed: their prints were noticed then. */
  watched: ReadonlySet<string>
}

/**
 * Notices prints that came and went while nobody looked. What a host remembers is compared with what it remembered at
 * the last look; nothing depends on clocks, which hosts often have wrong. What is new and no attempt of ours lies on the
 * bed, whoever called it clear: it may have been printed since.
 */
export class PastPrints {
  constructor(private readonly unitOfWork: UnitOfWork<Repositories>) {}

  /** @throws DriverError when the host does not answer; GantryError `INVALID_STATE` when the lease was lost */
  async look(session: PrinterSession, watched: ReadonlySet<string>): Promise<void> {
    const { lease, connection } = session
    const history = await connection.history(COMPARED_PRINTS, session.deadline(ASK_MS))
    // A host may write down an end a moment after it shows it.
    const prints = history
      .filter(({ outcome }) => outcome !== 'running' || !isBusy(session.latest.state))
      .map(pastPrintOf)
    const shown = shownBy(session.latest, history)
    if (shown !== null) prints.unshift(shown)
    const look = { lease, prints, isCut: history.length >= COMPARED_PRINTS, watched }
    await this.unitOfWork.run((tx) => compare(tx, look))
  }
}

const compare = async (tx: Transaction, look: Look): Promise<void> => {
  const { lease, prints, watched } = look
  const { printerId } = lease
  if (!(await tx.attempts.isLeaseValid(lease))) throw new GantryError('INVALID_STATE', { detail: 'the lease was lost' })
  const known = await tx.pastPrints.known(printerId)
  await tx.pastPrints.remember(
    printerId,
    prints.map(({ mark }) => mark),
    tx.now,
  )
  // What is there at the first look of all was there before anybody could have called the bed clear by it.
  if (known === null) return
  const unseen = newSince(known, look).filter(({ path }) => !watched.has(path))
  const [foreign] = await withoutOurs(tx, printerId, unseen)
  if (foreign !== undefined) await foundOver(tx, printerId, foreign.path)
}

/** The newest prints that were not there at the last look. */
const newSince = (known: ReadonlySet<string>, { prints, isCut }: Look): PastPrint[] => {
  const oldest = prints.findLastIndex(({ mark }) => known.has(mark))
  // Behind the oldest that was known come others into view when people delete newer ones.
  const inView = isCut && oldest >= 0 ? prints.slice(0, oldest) : prints
  return inView.filter(({ mark }) => !known.has(mark))
}

const withoutOurs = async (tx: Transaction, printerId: string, prints: PastPrint[]): Promise<PastPrint[]> => {
  const names = prints.map(({ path }) => nameOf(path)).filter(isOurRemoteName)
  const attempts = names.length === 0 ? [] : await tx.attempts.startedAmong(printerId, names)
  const isOurs = ({ path, hostJobRef }: PastPrint) =>
    attempts.some(
      (attempt) =>
        attempt.remoteName === nameOf(path) &&
        // Somebody may have printed our file once more at the panel.
        (attempt.hostJobRef === null || hostJobRef === null || attempt.hostJobRef === hostJobRef),
    )
  return prints.filter((print) => !isOurs(print))
}

const pastPrintOf = ({ remotePath, hostJobRef, startedAt, endedAt }: HistoryEntry): PastPrint => {
  // Its end alone may still be unknown.
  const at = (startedAt ?? endedAt)?.getTime() ?? null
  return { path: remotePath, hostJobRef, mark: markOf([remotePath, hostJobRef, at]) }
}

/** A host that has no record of its last print may show it still, such as one from the printer's own card. */
const shownBy = ({ state, job }: HostReport, history: HistoryEntry[]): PastPrint | null => {
  const path = state === 'finished' ? (job?.remotePath ?? null) : null
  if (path === null || history.some(({ remotePath }) => remotePath === path)) return null
  return { path, hostJobRef: job?.hostJobRef ?? null, mark: markOf([path]) }
}

const markOf = (facts: unknown): string => createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 16)
