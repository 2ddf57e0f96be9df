import type { Experiment } from '../experiment.js'
import { JOB_EXPERIMENTS } from '../jobs/experiments/all.js'
import type { JobExperiment } from '../jobs/job-experiment.js'
import { cancel } from './cancel.js'
import { clockSkew } from './clock-skew.js'
import { cutAnswers } from './cut-answers.js'
import { cutUploads } from './cut-uploads.js'
import { databaseBlackHole } from './database-black-hole.js'
import { demoKill9 } from './demo-kill-9.js'
import { hostAway } from './host-away.js'
import { kill9LateStarts } from './kill-9-late-starts.js'
import { kill9Sigstop } from './kill-9-sigstop.js'
import { kill9 } from './kill-9.js'
import { outageProbes } from './outage-probes.js'
import { postgresCrash } from './postgres-crash.js'
import { reads, readsReplicated } from './reads.js'
import { reassign } from './reassign.js'
import { restartMidPrint } from './restart-mid-print.js'
import { rollingRestart } from './rolling-restart.js'
import { selfTest } from './self-test.js'
import { stoppedUnderLoad } from './stopped-under-load.js'

/** On a farm of printers, or on jobs alone. */
export type AnyExperiment = Experiment | JobExperiment

/** In the order in which they begin: two run at a time, and those that start many servers stand between those that wait. */
export const EXPERIMENTS: readonly AnyExperiment[] = [
  selfTest,
  kill9,
  hostAway,
  kill9LateStarts,
  databaseBlackHole,
  cutAnswers,
  kill9Sigstop,
  cutUploads,
  demoKill9,
  cancel,
  clockSkew,
  reassign,
  reads,
  readsReplicated,
  restartMidPrint,
  postgresCrash,
  rollingRestart,
  stoppedUnderLoad,
  outageProbes,
  ...JOB_EXPERIMENTS,
]
