const TICK_MS = 25
const ANSWER_WITHIN_MS = 30_000

export interface SteadyRequestsOptions {
  url: string
  headers: Record<string, string>
  /** Asked for in turn. */
  paths: readonly string[]
  perSecond: number
}

export interface SteadyRequests {
  /** Sends no more, and waits for what is under way. @returns how many were answered with 200, and what became of the others */
  stop: () => Promise<{ answered: number; failures: string[] }>
}

/** Sends so many requests a second, whatever becomes of those before. */
export const sendSteadily = ({ url, headers, paths, perSecond }: SteadyRequestsOptions): SteadyRequests => {
  const beganMs = performance.now()
  const failures: string[] = []
  const underWay = new Set<Promise<void>>()
  let [sent, answered] = [0, 0]
  const send = async (path: string) => {
    try {
      const response = await fetch(url + path, { headers, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })
      const text = await response.text()
      if (response.status === 200) answered += 1
      else failures.push(`${path} was answered ${response.status}: ${text.slice(0, 200)}`)
    } catch (error) {
      const { message, cause } = error as Error
      failures.push(`${path} was not answered: ${message} ${cause instanceof Error ? cause.message : ''}`)
    }
  }
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - beganMs) / 1_000) * perSecond)
    for (; sent < due; sent += 1) {
      const call = send(paths[sent % paths.length] ?? '/').finally(() => underWay.delete(call))
      underWay.add(call)
    }
  }, TICK_MS)
  return {
    stop: async () => {
      clearInterval(timer)
      await Promise.all(underWay)
      return { answered, failures }
    },
  }
}
