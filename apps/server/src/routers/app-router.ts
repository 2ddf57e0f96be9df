import { router } from '../trpc/init.js'
import { attemptsRouter } from './attempts.router.js'
import { printJobsRouter } from './print-jobs.router.js'
import { printersRouter } from './printers.router.js'

/** Everything that clients can call, by noun. */
export const appRouter = router({
  attempts: attemptsRouter,
  printers: printersRouter,
  printJobs: printJobsRouter,
})

export type AppRouter = typeof appRouter
