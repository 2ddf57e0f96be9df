import { keepsCookies, whoIsThere } from '/assets/api.js'
import { byId, element } from '/assets/dom.js'
import { signInForm } from '/assets/sign-in-form.js'

const { location } = window

/** A page of this server and nothing else; null where none is asked for. */
const wanted = () => {
  const text = new URLSearchParams(location.search).get('returnTo') ?? ''
  if (!text.startsWith('/') || !URL.canParse(text, location.origin)) return null
  const url = new URL(text, location.origin)
  // Browsers read `//` and `/\\` as the beginning of another host.
  return url.origin === location.origin && url.pathname !== location.pathname ? url.href : null
}

const goOn = (user) => location.replace(wanted() ?? (user.role === 'admin' ? '/admin/queues' : '/account'))

const SIGN_ON_PROBLEMS = {
  SIGN_ON_REFUSED: 'You are known there, but may not come in here. Ask whoever looks after Gantry.',
  UNAVAILABLE: 'The other service does not answer. Try again, or sign in with your password.',
}

/** Why a sign-on elsewhere came back without a session; null: it did not. */
const signOnProblem = () => {
  const code = new URLSearchParams(location.search).get('sso_error')
  if (code === null) return null
  const text = SIGN_ON_PROBLEMS[code] ?? 'That did not work. Try it again.'
  return element('p', { class: 'problem', role: 'alert' }, text)
}

const begin = async () => {
  // A session that ends with the page is begun where it is used.
  if (!keepsCookies) return location.replace(wanted() ?? '/account')
  // Whoever was led here has been found to be nobody, save who has signed on elsewhere meanwhile.
  const isAsked = wanted() === null || new URLSearchParams(location.search).has('signedOn')
  const user = isAsked ? await whoIsThere().catch(() => null) : null
  if (user !== null) return goOn(user)
  const form = signInForm(goOn)
  byId('gate').replaceChildren(...[signOnProblem() ?? []].flat(), form)
  form.querySelector('input').focus()
}

void begin()
