import { MAX_TOOLS } from './motion-tracker.js'

export interface LayerTemperatures {
  firstLayer: number | null
  otherLayers: number | null
}

const MAX_CELSIUS = 1000

/**
 * Collects what M104/M109 and M140/M190 ask for, for slicers whose comments do not tell. The first layer's value is the
 * last one before the first layer begins: earlier ones only preheat. The other layers' value is the first change after
 * that. Switching off (0) at the end is no printing temperature.
 */
export class TemperatureTracker {
  readonly #first = new Float64Array(MAX_TOOLS)
  readonly #others = new Float64Array(MAX_TOOLS)

  /** @param slot the tool, or 0 for the bed */
  set(slot: number, celsius: number, layersBegun: number): void {
    if (slot < 0 || slot >= MAX_TOOLS || celsius <= 0 || celsius > MAX_CELSIUS) return
    if (layersBegun === 0) this.#first[slot] = celsius
    else if (this.#others[slot] === 0) this.#others[slot] = celsius
  }

  read(slot: number): LayerTemperatures {
    const first = this.#first[slot] ?? 0
    const others = this.#others[slot] ?? 0
    const known = [first, others].map((celsius) => (celsius > 0 ? celsius : null))
    return { firstLayer: known[0] ?? known[1] ?? null, otherLayers: known[1] ?? known[0] ?? null }
  }
}
