import { call } from '/assets/api.js'
import { actionButton, byId, element, setText, syncChildren } from '/assets/dom.js'
import { count, duration } from './figures.js'

const SVG = 'http://www.w3.org/2000/svg'

const COLUMNS = [
  ['Waiting', ({ waiting }) => count(waiting)],
  ['Active', ({ active }) => count(active)],
  ['Delayed', ({ delayed }) => count(delayed)],
  ['Dead', ({ failed }) => count(failed)],
  ['Done, 24 h', ({ completed }) => count(completed)],
  ['Oldest', ({ oldestAgeSeconds: seconds }) => duration(seconds === null ? null : seconds * 1_000)],
  ['Per minute', ({ throughputPerMinute: perMinute }) => perMinute.toFixed(perMinute < 10 ? 1 : 0)],
  ['Wait p50 / p99', ({ waitMs: { p50, p99 } }) => `${duration(p50)} / ${duration(p99)}`],
  ['Run p50 / p99', ({ runMs: { p50, p99 } }) => `${duration(p50)} / ${duration(p99)}`],
]

/** One bar per minute; the highest fills the height. */
const drawHour = (svg, lastHour) => {
  const highest = Math.max(1, ...lastHour)
  const bars = lastHour.map((runs, minute) => {
    const height = runs === 0 ? 0 : Math.max(1, Math.round((runs / highest) * 16))
    const bar = document.createElementNS(SVG, 'rect')
    const place = { x: minute * 2, y: 16 - height, width: 1.5, height }
    for (const [name, value] of Object.entries(place)) bar.setAttribute(name, String(value))
    return bar
  })
  svg.replaceChildren(...bars)
  const total = lastHour.reduce((sum, runs) => sum + runs, 0)
  svg.setAttribute(
    'aria-label',
    `${count(total)} runs in the last hour, at most ${count(Math.max(...lastHour))} a minute`,
  )
}

const makeRow = (refresh) => (queue) => {
  const hour = document.createElementNS(SVG, 'svg')
  for (const [name, value] of [
    ['class', 'hour'],
    ['viewBox', '0 0 120 16'],
    ['preserveAspectRatio', 'none'],
    ['role', 'img'],
  ]) {
    hour.setAttribute(name, value)
  }
  const toggle = actionButton('', async () => {
    await call('POST', `/admin/queues/${queue.name}/${toggle.dataset.paused === 'true' ? 'resume' : 'pause'}`, {})
    await refresh()
  })
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, element('span', {}, queue.name), element('span', { class: 'tag' }, 'paused')),
    ...COLUMNS.map(([name]) => element('td', { class: 'number', 'data-name': name })),
    element('td', { 'data-name': 'Last hour' }, hour),
    element('td', { class: 'wide' }, element('div', { class: 'actions' }, toggle)),
  )
}

const updateRow = (row, queue) => {
  row.querySelector('.tag').hidden = !queue.paused
  const cells = row.querySelectorAll('td.number')
  for (const [index, [name, textOf]] of COLUMNS.entries()) {
    const text = textOf(queue)
    setText(cells[index], text)
    cells[index].classList.toggle('zero', text === '0' || text.startsWith('–'))
    cells[index].classList.toggle('bad', name === 'Dead' && queue.failed > 0)
  }
  drawHour(row.querySelector('svg'), queue.lastHour)
  const toggle = row.querySelector('button')
  toggle.hidden = !queue.isKnown
  toggle.dataset.paused = String(queue.paused)
  setText(toggle, queue.paused ? 'Resume' : 'Pause')
  toggle.setAttribute('aria-label', `${queue.paused ? 'Resume' : 'Pause'} ${queue.name}`)
}

/** The table of all queues. @returns their names, and whether the queues answered */
export const showQueues = async (refresh) => {
  const { data, queueReachable } = await call('GET', '/admin/queues')
  const queues = Object.entries(data)
    .map(([name, statistics]) => ({ name, ...statistics }))
    .sort((a, b) => a.name.localeCompare(b.name))
  syncChildren(byId('queues'), queues, ({ name }) => name, makeRow(refresh), updateRow)
  return { queues, queueReachable }
}
