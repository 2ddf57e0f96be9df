import { keepsCookies, signOut, whenSignedOut, whoIsThere } from './api.js'
import { byId, element, setText } from './dom.js'
import { signInForm } from './sign-in-form.js'

const SIGN_IN = '/account/sign-in'

const hidePage = () => {
  for (const id of ['screen', 'sign-out']) byId(id).hidden = true
}

const showPage = () => {
  byId('gate').replaceChildren()
  for (const id of ['screen', 'sign-out']) byId(id).hidden = false
}

/**
 * Shows `#screen` to whoever is signed in, with `#sign-out` to leave. Others are led to the page where one signs in; where the session
 * cannot outlive a page, they do it in `#gate`.
 * @param show gets the user, whenever somebody has signed in
 * @param hide is told that the session is over
 */
export const guard = ({ show, hide = () => undefined }) => {
  const enter = (user) => {
    showPage()
    return show(user)
  }
  const ask = () => {
    hidePage()
    hide()
    if (keepsCookies) {
      const here = window.location.pathname + window.location.search
      window.location.replace(`${SIGN_IN}?returnTo=${encodeURIComponent(here)}`)
      return
    }
    byId('gate').replaceChildren(signInForm(enter))
    byId('gate').querySelector('input').focus()
  }
  const begin = async () => {
    const problem = element('p', { class: 'problem', role: 'alert' })
    const again = element('button', { type: 'button', onclick: () => void begin() }, 'Try again')
    byId('gate').replaceChildren()
    try {
      const user = await whoIsThere()
      if (user === null) ask()
      else await enter(user)
    } catch (error) {
      byId('gate').replaceChildren(problem, again)
      setText(problem, error.message)
    }
  }
  byId('sign-out').addEventListener('click', async () => {
    try {
      await signOut()
    } catch (error) {
      setText(byId('action-problem'), error.message)
    }
  })
  whenSignedOut(ask)
  void begin()
}
