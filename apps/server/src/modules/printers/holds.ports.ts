import type { Reason, ReasonCode } from '@gantry/schemas'

export type HoldSubject = { printerId: string } | { jobId: string }

export interface HoldRepository {
  /** Opens a hold unless one of the same code is open on the subject. @returns whether it is new */
  open(subject: HoldSubject, reason: Reason, createdById: string | null): Promise<boolean>
  /** Releases the open holds of these codes, or all. @returns the codes released */
  release(subject: HoldSubject, codes: ReasonCode[] | 'all', releasedById: string, now: Date): Promise<ReasonCode[]>
}
