import { byId, element, setText } from '/assets/dom.js'
import { guard } from '/assets/guard.js'
import { JobList, showDeadTypes } from './jobs.js'
import { showQueues } from './queues.js'
import { showSchedules } from './schedules.js'

const REFRESH_MS = 2_000
/** Dead letters and schedules change slowly. */
const SLOW_EVERY = 3

const [queueChoice, stateChoice] = [byId('jobs-queue'), byId('jobs-state')]
let timer
let rounds = 0
let running = null

const tell = (text) => setText(byId('status'), text)

const refresh = () => {
  rounds = 0
  // What is under way may be older than what was just done.
  running = (running ?? Promise.resolve()).then(show)
  return running
}

const stateNames = { active: 'runs', waiting: 'waits', delayed: 'is delayed', completed: 'was done lately' }
const jobs = new JobList('jobs', { none: ({ state }) => `No job of this queue ${stateNames[state]}.`, refresh })
const dead = new JobList('dead', { none: () => 'No job is dead.', refresh })

const offerQueues = (queues) => {
  const names = queues.filter(({ isKnown }) => isKnown).map(({ name }) => name)
  const offered = [...queueChoice.options].map(({ value }) => value)
  if (names.join() === offered.join()) return
  const chosen = queueChoice.value
  queueChoice.replaceChildren(...names.map((name) => element('option', { value: name }, name)))
  if (names.includes(chosen)) queueChoice.value = chosen
}

const showAll = async () => {
  const { queues, queueReachable } = await showQueues(refresh)
  offerQueues(queues)
  if (queueChoice.value !== '') await jobs.show({ queue: queueChoice.value, state: stateChoice.value })
  if (rounds % SLOW_EVERY === 0) {
    showDeadTypes(await dead.show({ state: 'failed' }), queues, refresh)
    await showSchedules(refresh, tell)
  }
  rounds += 1
  return queueReachable
}

/** Whoever may not see this is not asked for again and again. */
const refuse = ({ message }) => {
  byId('screen').hidden = true
  byId('gate').replaceChildren(element('p', { class: 'problem', role: 'alert' }, message))
}

const show = async () => {
  try {
    const isReachable = await showAll()
    setText(byId('problem'), isReachable ? '' : 'The queues do not answer: what is shown comes from the database.')
    tell(`as of ${new Date().toLocaleTimeString()}`)
  } catch (error) {
    if (error.status === 403) refuse(error)
    else if (!byId('screen').hidden) setText(byId('problem'), error.message)
  }
}

const showAgain = async () => {
  if (!document.hidden) await (running = (running ?? Promise.resolve()).then(show))
  if (!byId('screen').hidden) timer = setTimeout(() => void showAgain(), REFRESH_MS)
}

for (const choice of [queueChoice, stateChoice]) {
  choice.addEventListener('change', () => {
    jobs.startOver()
    void refresh()
  })
}
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && !byId('screen').hidden) void refresh()
})
guard({
  show: () => {
    rounds = 0
    void showAgain()
  },
  hide: () => {
    clearTimeout(timer)
    tell('')
  },
})
