import { call } from '/assets/api.js'
import { actionButton, byId, element } from '/assets/dom.js'

const PAGE = 20

const BROWSERS = [
  ['Edg/', 'Edge'],
  ['OPR/', 'Opera'],
  ['Firefox/', 'Firefox'],
  ['Chrome/', 'Chrome'],
  ['Safari/', 'Safari'],
]
const SYSTEMS = [
  ['iPhone', 'iPhone'],
  ['iPad', 'iPad'],
  ['Android', 'Android'],
  ['Windows', 'Windows'],
  ['Mac OS X', 'Mac'],
  ['CrOS', 'ChromeOS'],
  ['Linux', 'Linux'],
]

/** `Firefox on Linux` where it says that it is a browser; else what it says. */
const nameOf = (device) => {
  if (device === null) return 'Unknown device'
  const found = (table) => table.find(([sign]) => device.includes(sign))?.[1]
  const [browser, system] = [found(BROWSERS), found(SYSTEMS)]
  return browser === undefined || system === undefined ? device : `${browser} on ${system}`
}

const time = (iso) => new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })

const itemOf = (session) => {
  const { id, device, address, createdAt, lastUsedAt, isCurrent } = session
  const name = nameOf(device)
  const about = [`signed in ${time(createdAt)}`, `last renewed ${time(lastUsedAt)}`, address ?? 'unknown address']
  const what = element(
    'div',
    { class: 'what' },
    element('strong', { title: device ?? '' }, name),
    element('span', { class: 'about' }, about.join(' · ')),
  )
  if (isCurrent) return element('li', {}, what, element('span', { class: 'current' }, 'this one'))
  const end = async () => {
    await call('DELETE', `/sessions/${encodeURIComponent(id)}`)
    await showOwnSessions()
  }
  return element('li', {}, what, actionButton('End', end, { class: 'danger', 'aria-label': `End: ${name}` }))
}

const load = async (cursor) => {
  const { items, nextCursor } = await call(
    'GET',
    `/sessions?limit=${PAGE}${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`,
  )
  const more = byId('more-sessions')
  more.hidden = nextCursor === null
  more.onclick = async () => byId('sessions').append(...(await load(nextCursor)))
  return items.map(itemOf)
}

const endOthers = async () => {
  await call('DELETE', '/sessions')
  await showOwnSessions()
}

/** The newest ones, with a button for those before. */
export const showOwnSessions = async () => {
  const items = await load(null)
  byId('sessions').replaceChildren(...items)
  const others = actionButton('End all others', endOthers, { class: 'danger' })
  byId('end-others').replaceChildren(...(items.length > 1 ? [others] : []))
}
