import { emptyHistory } from '../reading-history.js'
import type { EventRow, Facts } from '../facts.js'

export const JOB = 'job_01990000-0000-7000-8000-00000000abcd'
export const nameOf = (copy: number, random = 'aaaaaaaaaa') => `g0000abcd-${copy}-${random}.gcode`

const STEPS = ['claimed', 'uploading', 'starting', 'printing', 'completed']

/** The events of a copy that was printed without any trouble. */
const lifeOf = (attemptId: string, first: number): EventRow[] =>
  STEPS.map((to, index) => ({
    cursor: `${first + index}-${first + index}`,
    seq: first + index,
    type: 'attempt.changed',
    subjectId: attemptId,
    payload: { attemptId, from: STEPS[index - 1] ?? null, to },
  }))

const noStream = { from: '1-0', resyncs: 0, connections: 1, isOpen: true, end: null }

/** Two copies of one job, printed on two printers, exactly as it should be; tests break one thing of it each. */
export const lawfulFacts = (): Facts => {
  const events = [...lifeOf('att_1', 10), ...lifeOf('att_2', 20)]
  const attempt = { jobId: JOB, state: 'completed', reasonCode: null, cancelRequested: false }
  const start = { startedBy: 'host' as const, startedAtMs: 1, endedAtMs: 2, outcome: 'done' as const }
  return {
    starts: [
      { ...start, printer: 'octoprint-1', name: nameOf(1), bedWasOccupied: false },
      { ...start, printer: 'moonraker-1', name: nameOf(2), bedWasOccupied: false },
    ],
    machine: { startsOnOccupiedBed: 0, gcodeWhilePrinting: 0, mismatchedStarts: 0 },
    orders: [{ jobId: JOB, copies: 2 }],
    jobs: [{ id: JOB, copies: 2, queued: 0, active: 0, done: 2, failed: 0, cancelled: 0, held: 0 }],
    copies: [
      { jobId: JOB, number: 1, state: 'done' },
      { jobId: JOB, number: 2, state: 'done' },
    ],
    attempts: [
      { ...attempt, id: 'att_1', copyNumber: 1, printer: 'octoprint-1', remoteName: nameOf(1) },
      { ...attempt, id: 'att_2', copyNumber: 2, printer: 'moonraker-1', remoteName: nameOf(2) },
    ],
    alarms: [],
    events,
    streams: [
      { ...noStream, name: 'printJobs', events: events.map(({ cursor }) => ({ cursor })) },
      { ...noStream, name: 'alarms', events: [] },
    ],
    stuck: [],
    decisions: {
      ...{ bedsCleared: 2, releasedPrinters: 0 },
      ...{ saidNotPrinted: new Set(), saidPrinted: new Set(), releasedJobs: new Set() },
    },
    reassigned: new Set(),
    reading: emptyHistory(),
    deaths: [],
  }
}
