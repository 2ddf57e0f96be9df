import { encodeQR } from '/assets/qr.js'

const SVG = 'http://www.w3.org/2000/svg'
/** Readers need a light margin of this many modules. */
const MARGIN = 4

const shape = (name, attributes) => {
  const made = document.createElementNS(SVG, name)
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value)
  return made
}

/** Dark on light, whatever the colours of the page: not every reader takes it the other way round. */
export const qrCode = (text, label) => {
  const rows = encodeQR(text, 'raw', { ecc: 'low', border: MARGIN })
  const size = rows.length
  const dark = rows.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])))
  const svg = shape('svg', { viewBox: `0 0 ${size} ${size}`, class: 'qr-code', role: 'img', 'aria-label': label })
  svg.append(
    shape('rect', { width: size, height: size, fill: '#fff' }),
    shape('path', { d: dark.join(''), fill: '#000', 'shape-rendering': 'crispEdges' }),
  )
  return svg
}
