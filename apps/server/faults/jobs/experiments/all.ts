import type { JobExperiment } from '../job-experiment.js'
import { blackHole, deadSockets } from './black-hole.js'
import { blockedLoops } from './blocked-loops.js'
import { kills } from './kills.js'
import { serversStopped } from './servers-stopped.js'
import { shutdowns } from './shutdowns.js'
import { wipedQueues } from './wiped-queues.js'

export const JOB_EXPERIMENTS: readonly JobExperiment[] = [
  ...kills,
  ...wipedQueues,
  ...serversStopped,
  ...blockedLoops,
  ...shutdowns,
  blackHole,
  deadSockets,
]
