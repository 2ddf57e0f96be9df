/** Counts layers from the slicer's comments; from rising Z where a file has none. */
export class LayerTracker {
  layer: number | null = null
  total: number | null = null
  #fromComments = false
  #highestZ = Number.NEGATIVE_INFINITY

  /** Reads a comment line. Returns true when the layer changed. */
  comment(line: string): boolean {
    if (line.startsWith(';LAYER_CHANGE')) return this.#enter((this.#fromComments ? (this.layer ?? 0) : 0) + 1)
    const numbered = /^;\s?LAYER:\s*(\d+)/.exec(line)
    if (numbered) return this.#enter(Number(numbered[1]) + 1)
    const total = /^;\s?(?:LAYER_COUNT:|total layers count\s*=|total layer number:)\s*(\d+)/.exec(line)
    if (total) this.total = Number(total[1])
    return false
  }

  /** Klipper's SET_PRINT_STATS_INFO. Returns true when the layer changed. */
  info(current: number | null, total: number | null): boolean {
    if (total !== null) this.total = total
    return current === null ? false : this.#enter(current)
  }

  /** Material was laid at this height. Returns true when the layer changed. */
  laidAt(z: number): boolean {
    if (this.#fromComments || z <= this.#highestZ + 0.01) return false
    this.#highestZ = z
    this.layer = (this.layer ?? 0) + 1
    return true
  }

  #enter(layer: number): boolean {
    this.#fromComments = true
    const changed = layer !== this.layer
    this.layer = layer
    return changed
  }
}
