import { byId, element, setText } from '/assets/dom.js'
import { guard } from '/assets/guard.js'

import { showOwnPassword } from './own-password.js'
import { showOwnSessions } from './own-sessions.js'
import { showSecondFactor } from './second-factor.js'

/** Whoever has a role that was made here is a viewer as far as the API says. */
const ROLES = { operator: 'Operator', admin: 'Admin' }

const showUser = ({ displayName, email, role }) => {
  const facts = { Name: displayName, 'E-mail': email, ...(role in ROLES ? { Role: ROLES[role] } : {}) }
  byId('you').replaceChildren(
    ...Object.entries(facts).flatMap(([name, value]) => [element('dt', {}, name), element('dd', {}, value)]),
  )
  byId('places').hidden = role !== 'admin'
}

const show = async (user) => {
  showUser(user)
  showOwnPassword(user.email)
  try {
    await Promise.all([showSecondFactor(), showOwnSessions()])
  } catch (error) {
    setText(byId('action-problem'), error.message)
  }
}

guard({ show })
