import { call } from '/assets/api.js'
import { actionButton, byId, element, setText, syncChildren } from '/assets/dom.js'
import { count, duration, fromNow } from './figures.js'

const FIRST = 25
const MOST = 200

const pathOf = ({ id }) => `/admin/jobs/${encodeURIComponent(id)}`

const aboutOf = (job) => {
  const attempts = `attempt ${job.attemptsMade} of ${job.attemptsAllowed ?? '?'}`
  const ordered = `ordered ${fromNow(job.createdAt)}`
  switch (job.state) {
    case 'active':
      return [
        attempts,
        job.startedAt === null ? 'runs' : `runs for ${duration(Date.now() - Date.parse(job.startedAt))}`,
        ordered,
      ]
    case 'delayed':
      return [`due ${fromNow(job.dueAt)}`, attempts, ordered]
    case 'failed':
      return [`died ${fromNow(job.finishedAt)}`, attempts, ordered]
    case 'completed':
      return [`done ${fromNow(job.finishedAt)}`, attempts, ordered]
    default:
      return [ordered, attempts]
  }
}

const block = (title, text) => [element('h3', {}, title), element('pre', { tabindex: '0' }, text)]

const showDetail = async (body, job) => {
  try {
    const detail = await call('GET', pathOf(job))
    body.replaceChildren(
      ...block('Payload', JSON.stringify(detail.payload, null, 2) ?? 'none'),
      ...(detail.error === null ? [] : block('Error', detail.error)),
      ...(detail.stack === null ? [] : block('Stack', detail.stack)),
    )
  } catch (error) {
    body.replaceChildren(element('p', { class: 'problem' }, error.message))
  }
}

const makeItem = (refresh) => (job) => {
  const body = element('div')
  const details = element(
    'details',
    {},
    element(
      'summary',
      {},
      element('strong', {}, job.type),
      element('span', { class: 'about' }),
      element('span', { class: 'error' }),
    ),
    body,
  )
  details.addEventListener('toggle', () => {
    if (details.open) void showDetail(body, job)
  })
  const actions = element('div', { class: 'actions' })
  if (job.state === 'failed' && job.attemptsAllowed !== null) {
    const retry = async () => {
      await call('POST', `${pathOf(job)}/retry`, {})
      await refresh()
    }
    actions.append(actionButton('Retry', retry, { 'aria-label': `Retry ${job.type} ${job.id}` }))
  }
  if (job.state !== 'active' && job.state !== 'completed') {
    const discard = async () => {
      if (!window.confirm(`Throw this job away for good?\n${job.type} ${job.id}`)) return
      await call('DELETE', pathOf(job))
      await refresh()
    }
    actions.append(actionButton('Discard', discard, { class: 'danger', 'aria-label': `Discard ${job.type} ${job.id}` }))
  }
  return element('li', {}, details, actions)
}

const updateItem = (item, job) => {
  const parts = [...aboutOf(job), job.isWakeUp ? `wake-up ${job.id}` : job.id]
  setText(item.querySelector('.about'), parts.join(' · '))
  setText(item.querySelector('.error'), job.error ?? '')
}

/** One list of jobs that can be made longer. */
export class JobList {
  constructor(name, { none, refresh }) {
    this.list = byId(name)
    this.none = byId(`${name}-none`)
    this.more = byId(`${name}-more`)
    this.noneText = none
    this.refresh = refresh
    this.limit = FIRST
    this.more.addEventListener('click', () => {
      this.limit = MOST
      void this.refresh()
    })
  }

  startOver() {
    this.limit = FIRST
    this.list.replaceChildren()
  }

  /** @returns what is shown */
  async show(query) {
    const { items, nextCursor } = await call(
      'GET',
      `/admin/jobs?${new URLSearchParams({ ...query, limit: this.limit })}`,
    )
    syncChildren(this.list, items, ({ id, state }) => `${state} ${id}`, makeItem(this.refresh), updateItem)
    const isAll = nextCursor === null
    this.more.hidden = isAll || this.limit === MOST
    setText(
      this.none,
      items.length === 0
        ? this.noneText(query)
        : isAll || this.limit < MOST
          ? ''
          : `The first ${count(items.length)} are shown.`,
    )
    return items
  }
}

const makeType = (refresh) => (type) => {
  const all = async (verb) => {
    await call('POST', `/admin/jobs/${verb}`, { type: type.name })
    await refresh()
  }
  const discard = async () => {
    if (window.confirm(`Throw every dead job of the type ${type.name} away for good?`)) await all('discard')
  }
  return element(
    'li',
    {},
    element('span', {}),
    element(
      'div',
      { class: 'actions' },
      actionButton('Retry all', () => all('retry'), { 'aria-label': `Retry all ${type.name}` }),
      actionButton('Discard all', discard, { class: 'danger', 'aria-label': `Discard all ${type.name}` }),
    ),
  )
}

/** What can be done to all dead jobs of a type at once. */
export const showDeadTypes = (jobs, queues, refresh) => {
  const byType = new Map(jobs.map(({ type, queue }) => [type, queue]))
  const types = [...byType].map(([name, queue]) => ({
    name,
    dead: queues.find((one) => one.name === queue)?.failed ?? null,
    isKnown: queues.some((one) => one.name === queue && one.isKnown),
  }))
  syncChildren(
    byId('dead-types'),
    types,
    ({ name }) => name,
    makeType(refresh),
    (item, { name, dead, isKnown }) => {
      setText(item.querySelector('span'), dead === null ? name : `${name}: ${count(dead)}`)
      item.querySelector('button').hidden = !isKnown
    },
  )
}
