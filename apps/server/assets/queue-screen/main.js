import { logIn, logOut, whenLoggedOut } from './api.js'
import { byId, element, setText } from './dom.js'
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

const show = async () => {
  try {
    const isReachable = await showAll()
    setText(byId('problem'), isReachable ? '' : 'The queues do not answer: what is shown comes from the database.')
    tell(`as of ${new Date().toLocaleTimeString()}`)
  } catch (error) {
    if (!byId('screen').hidden) setText(byId('problem'), error.message)
  }
}

const showAgain = async () => {
  if (!document.hidden) await (running = (running ?? Promise.resolve()).then(show))
  if (!byId('screen').hidden) timer = setTimeout(() => void showAgain(), REFRESH_MS)
}

const showLogin = () => {
  clearTimeout(timer)
  for (const id of ['screen', 'logout']) byId(id).hidden = true
  byId('login').hidden = false
  tell('')
  byId('email').focus()
}

const showScreen = () => {
  byId('login').hidden = true
  for (const id of ['screen', 'logout']) byId(id).hidden = false
  rounds = 0
  void showAgain()
}

byId('login').addEventListener('submit', async (event) => {
  event.preventDefault()
  const button = byId('login').querySelector('button')
  setText(byId('login-problem'), '')
  button.disabled = true
  try {
    await logIn(byId('email').value, byId('password').value)
    byId('password').value = ''
    showScreen()
  } catch (error) {
    setText(byId('login-problem'), error.message)
  } finally {
    button.disabled = false
  }
})
byId('logout').addEventListener('click', () => void logOut())
for (const choice of [queueChoice, stateChoice]) {
  choice.addEventListener('change', () => {
    jobs.startOver()
    void refresh()
  })
}
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && !byId('screen').hidden) void refresh()
})
whenLoggedOut(showLogin)
showLogin()
