import { eventually } from '../../eventually.js'
import type { WorkerProcess } from '../worker-process.js'
import type { Workshop } from '../workshop.js'

/** The processes in which a handler runs at this moment; waits until there is one. */
export const atWork = ({ db, workers }: Workshop): Promise<WorkerProcess[]> =>
  eventually(
    'a handler runs',
    async () => {
      const rows = await db.steadily<{ pid: number }>('SELECT DISTINCT pid FROM trial_run WHERE ended_at IS NULL')
      const busy = new Set(rows.map(({ pid }) => pid))
      const found = workers.filter(({ pid }) => pid !== undefined && busy.has(pid))
      return found.length > 0 && found
    },
    { everyMs: 20 },
  )
