import type { LoginOutcome } from '../modules/auth/auth.service.js'
import type { Metrics } from '../observability/metrics.js'

const OUTCOMES = ['ok', 'refused', 'limited', 'failed'] as const satisfies readonly LoginOutcome[]

export interface UseCounts {
  loginEnded: (outcome: LoginOutcome) => void
  bytesReceived: (bytes: number) => void
}

/** What people do with this process beside calling procedures. */
export const countUseIn = (metrics: Metrics): UseCounts => {
  const logins = metrics.counter(
    'gantry_logins_total',
    'Logins at this process: ok, refused (wrong password or account), limited (too many failures), failed (no answer).',
    ['outcome'],
  )
  for (const outcome of OUTCOMES) logins.inc({ outcome }, 0)
  const bytes = metrics.counter(
    'gantry_upload_bytes_total',
    'Bytes of print files that this process received, whatever became of the upload.',
  )
  return { loginEnded: (outcome) => logins.inc({ outcome }), bytesReceived: (received) => bytes.inc(received) }
}
