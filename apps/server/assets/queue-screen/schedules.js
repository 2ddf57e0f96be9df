import { call } from '/assets/api.js'
import { actionButton, byId, element, setText, syncChildren } from '/assets/dom.js'
import { fromNow } from './figures.js'

const makeRow = (refresh, tell) => (schedule) => {
  const path = `/admin/schedules/${encodeURIComponent(schedule.type)}`
  const toggle = actionButton(
    '',
    async () => {
      await call('POST', `${path}/${toggle.dataset.paused === 'true' ? 'resume' : 'pause'}`, {})
      await refresh()
    },
    { class: 'toggle' },
  )
  const run = async () => {
    const { jobId } = await call('POST', `${path}/run`, {})
    tell(jobId === null ? `${schedule.type} was ordered before and is not done yet` : `${schedule.type} is ordered`)
    await refresh()
  }
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, element('span', {}, schedule.type), element('span', { class: 'tag' }, 'paused')),
    ...['Times', 'Next', 'Last'].map((name) => element('td', { class: 'text', 'data-name': name })),
    element(
      'td',
      { class: 'wide' },
      element(
        'div',
        { class: 'actions' },
        toggle,
        actionButton('Run now', run, { 'aria-label': `Run ${schedule.type} now` }),
      ),
    ),
  )
}

const updateRow = (row, { type, times, nextAt, lastAt, pausedAt }) => {
  const isPaused = pausedAt !== null
  row.querySelector('.tag').hidden = !isPaused
  const texts = [times, isPaused ? '–' : fromNow(nextAt), fromNow(lastAt)]
  for (const [index, cell] of row.querySelectorAll('td.text').entries()) setText(cell, texts[index])
  const toggle = row.querySelector('.toggle')
  toggle.dataset.paused = String(isPaused)
  setText(toggle, isPaused ? 'Resume' : 'Pause')
  toggle.setAttribute('aria-label', `${isPaused ? 'Resume' : 'Pause'} the schedule of ${type}`)
}

/** The table of jobs that come by themselves. */
export const showSchedules = async (refresh, tell) => {
  const schedules = await call('GET', '/admin/schedules')
  syncChildren(byId('schedules'), schedules, ({ type }) => type, makeRow(refresh, tell), updateRow)
  setText(byId('schedules-none'), schedules.length === 0 ? 'No job comes by itself.' : '')
}
