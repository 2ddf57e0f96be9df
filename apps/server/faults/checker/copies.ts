import type { Start } from '../farm/virtual-printers.js'
import type { AttemptRow, Facts } from './facts.js'

/** `g<job8>-<n>-<rand10>.gcode`: the last eight letters of the job's id, and the copy's number. */
const REMOTE_NAME = /^g([a-z0-9]{8})-(\d+)-[a-z0-9]{10}\.gcode$/

export interface CopyStarts {
  copy: string
  starts: Start[]
  /** Further starts that a person wanted, by saying that an earlier one gave no print. */
  allowedAgain: number
}

/** Of which copy a start was, by the name alone; null for a name that is none of Gantry's. */
export const copyOf = (remoteName: string): string | null => {
  const [, job8, number] = REMOTE_NAME.exec(remoteName) ?? []
  return job8 === undefined || number === undefined ? null : `${job8}-${number}`
}

/** What the hosts started, per copy. */
export const startsByCopy = ({ starts, attempts, decisions, reassigned }: Facts): CopyStarts[] => {
  const ofName = new Map(attempts.map((attempt) => [attempt.remoteName, attempt]))
  const found = new Map<string, CopyStarts>()
  for (const start of starts) {
    if (start.startedBy !== 'host') continue
    const copy = copyOf(start.name) ?? start.name
    const entry = found.get(copy) ?? { copy, starts: [], allowedAgain: 0 }
    entry.starts.push(start)
    found.set(copy, entry)
  }
  for (const entry of found.values()) {
    const tried = new Set(entry.starts.map(({ name }) => name))
    entry.allowedAgain = [...tried].filter((name) => {
      const attempt = ofName.get(name)
      return attempt !== undefined && isGivenUp(attempt, decisions, reassigned)
    }).length
  }
  return [...found.values()]
}

/** Whether a person let the copy be printed again although this attempt had started. */
const isGivenUp = (
  { id, jobId, state, cancelRequested }: AttemptRow,
  decisions: Facts['decisions'],
  reassigned: Facts['reassigned'],
): boolean => {
  if (decisions.saidNotPrinted.has(id)) return state === 'failed'
  if (state !== 'failed' && state !== 'cancelled') return false
  return reassigned.has(id) || (!cancelRequested && decisions.releasedJobs.has(jobId))
}
