/** How figures and times are written. */

export const count = (value) => value.toLocaleString('en')

/** @param ms null: nothing was measured */
export const duration = (ms) => {
  if (ms === null) return '–'
  if (ms < 1_000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`
  return ms < 172_800_000 ? `${(ms / 3_600_000).toFixed(1)} h` : `${Math.round(ms / 86_400_000)} d`
}

/** How far from now: `in 5.0 s`, `3 min ago`. */
export const fromNow = (iso) => {
  if (iso === null) return '–'
  const ms = Date.parse(iso) - Date.now()
  return ms >= 0 ? `in ${duration(ms)}` : `${duration(-ms)} ago`
}
