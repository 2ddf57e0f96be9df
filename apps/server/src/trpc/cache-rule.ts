/** What a query declares of the answers that are kept of it, with `cache(rule)`. */
export interface CacheRule {
  /** Seconds for which an answer is fresh. */
  ttl: number
  /**
   * Events drop the answers that carry the type of their subject (`printer`, `print_job`, `attempt`, `file`, `project`,
   * `alarm` …), so every type of which the answer tells belongs here.
   */
  tags: readonly string[]
  /** `shared`: whoever has the same role and may see the same gets the same answer. `actor`: each has their own. */
  scope: 'shared' | 'actor'
}
