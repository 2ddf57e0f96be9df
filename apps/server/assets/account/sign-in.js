import { keepsCookies, whoIsThere } from '/assets/api.js'
import { byId } from '/assets/dom.js'
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

const begin = async () => {
  // A session that ends with the page is begun where it is used.
  if (!keepsCookies) return location.replace(wanted() ?? '/account')
  // Whoever was led here has been found to be nobody.
  const user = wanted() === null ? await whoIsThere().catch(() => null) : null
  if (user !== null) return goOn(user)
  const form = signInForm(goOn)
  byId('gate').replaceChildren(form)
  form.querySelector('input').focus()
}

void begin()
