/**
 * How many printers one of several instances drives at most, so that all together drive every printer: the same number
 * for each, rounded up, except that those that cannot drive so many leave the rest to the others.
 */
export const fairShare = (printers: number, capacities: readonly number[], own: number): number => {
  let left = printers
  let sharers = capacities.length
  for (const capacity of capacities.toSorted((a, b) => a - b)) {
    const level = Math.ceil(left / sharers)
    if (capacity >= level) return Math.min(own, level)
    left -= capacity
    sharers -= 1
  }
  return own
}
