import type { Reason } from '@gantry/schemas'

import type { Actor } from '../kernel/index.js'
import type { Verdict, VerdictRepository } from '../modules/print-jobs/print-jobs.ports.js'
import type { Prisma } from './generated/client.js'
import { visibleJobs } from './scope.js'

export class PrismaVerdictRepository implements VerdictRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async put(verdicts: Verdict[]) {
    // In one order everywhere, so that two instances that write at once cannot wait for each other.
    const rows = verdicts.toSorted((a, b) => `${a.jobId}${a.printerId}`.localeCompare(`${b.jobId}${b.printerId}`))
    await this.tx.$executeRaw`
      INSERT INTO dispatch_verdict (job_id, printer_id, reasons)
      SELECT v."jobId", v."printerId", v.reasons
      FROM jsonb_to_recordset(${JSON.stringify(rows)}::jsonb) AS v("jobId" text, "printerId" text, reasons jsonb)
      ON CONFLICT (job_id, printer_id) DO UPDATE SET reasons = excluded.reasons, evaluated_at = now()`
  }

  removeOfOthers(limit: number) {
    return this.tx.$executeRaw`
      DELETE FROM dispatch_verdict WHERE (job_id, printer_id) IN (
        SELECT v.job_id, v.printer_id FROM dispatch_verdict v JOIN print_job j ON j.id = v.job_id
        WHERE j.queued_copies = 0 LIMIT ${limit})`
  }

  async listOfJob(actor: Actor, jobId: string) {
    const rows = await this.tx.dispatchVerdict.findMany({ where: { jobId, job: visibleJobs(actor) } })
    return rows.map(({ printerId, reasons, evaluatedAt }) => ({
      jobId,
      printerId,
      reasons: reasons as unknown as Reason[],
      evaluatedAt,
    }))
  }
}
