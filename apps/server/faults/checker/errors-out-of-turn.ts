import type { Check } from './check.js'
import type { Breakage, FailedRequest } from './reading-history.js'

/** So soon after the database is back everything is answered again. */
const RECOVERED_MS = 5_000

/** 207: to other members of the batch there was an answer. */
const STATUSES: readonly (number | null)[] = [503, 207]

/**
 * While the primary is away, and until it has recovered, requests are cut off or told when to come again. Nothing else
 * that breaks is an error of a request, nothing is told in other words, and nothing is left without an answer.
 */
export const errorsOutOfTurn: Check = {
  count: 'errors out of turn',
  violations: ({ reading: { failures, breakages } }) =>
    failures.filter((failure) => !isLawful(failure, breakages)).map(tell),
}

const isLawful = (failure: FailedRequest, breakages: readonly Breakage[]): boolean => {
  const { kind, status, code, saysWhenToRetry, sentMs, endedMs } = failure
  const isInForm = kind === 'cut' || (STATUSES.includes(status) && code === 'UNAVAILABLE' && saysWhenToRetry)
  return (
    isInForm &&
    breakages.some(
      ({ stopsRequests, fromMs, untilMs }) => stopsRequests && endedMs >= fromMs && sentMs <= untilMs + RECOVERED_MS,
    )
  )
}

const tell = ({ by, at, what, sentMs, endedMs, kind, status, code, saysWhenToRetry }: FailedRequest): string => {
  const answer = `${status ?? 'no status'} ${code ?? 'without a code'}${saysWhenToRetry ? '' : ', and not when to retry'}`
  const took = `${Math.round(endedMs - sentMs)} ms`
  return `${what} of ${by} at ${at} at ${Math.round(sentMs)} ms was ${kind} after ${took}: ${answer}`
}
