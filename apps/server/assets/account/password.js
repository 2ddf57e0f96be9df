import { callOpenly } from '/assets/api.js'
import { byId, element, setText } from '/assets/dom.js'
import { form, newPasswordField } from '/assets/form.js'

const { history, location } = window

/** The two kinds of links; what each is sent to, and how one gets another. */
const KINDS = {
  invitation: {
    title: 'Welcome to Gantry',
    intro: 'Choose the password of your new account.',
    send: (input) => callOpenly('POST', '/auth/accept-invitation', input),
    another: () => [
      'It was used, has expired, or a newer one took its place. Have you chosen a password already? Then ',
      link('/account/sign-in', 'sign in'),
      '. Otherwise ask whoever invited you to send another invitation.',
    ],
  },
  reset: {
    title: 'Choose a new password',
    intro: 'It takes the place of the old one, and ends all sessions that are open now.',
    send: (input) => callOpenly('PUT', '/auth/password-reset', input),
    another: () => [
      'It was used, has expired, or a newer one took its place. ',
      link('/account/forgot', 'Ask for another link'),
      '.',
    ],
  },
}

const link = (href, text) => element('a', { href }, text)

const show = (title, ...parts) => {
  setText(byId('title'), title)
  document.title = `Gantry: ${title}`
  byId('gate').replaceChildren(...parts)
}

/** Shows a sentence that ends what was begun, and has it read out. */
const conclude = (title, attributes, ...parts) => {
  const text = element('p', { tabindex: '-1', ...attributes }, ...parts)
  show(title, text)
  text.focus()
}

/** Behind the `#`, which no browser sends. It is taken out of the address, so that it is in no history and on no picture. */
const takeLink = () => {
  const entries = [...new URLSearchParams(location.hash.slice(1))]
  history.replaceState(null, '', location.pathname)
  return entries.find(([name, token]) => name in KINDS && token !== '') ?? [null, '']
}

const choose = (kind, token) => {
  const password = newPasswordField('password')
  const act = async (values) => {
    try {
      await kind.send({ token, ...values })
    } catch (error) {
      // A token of another size is none either.
      if (error.code !== 'LINK_EXPIRED' && error.fields?.token === undefined) throw error
      conclude('This link is no longer valid', { role: 'alert' }, ...kind.another())
      return
    }
    conclude(
      'Your password is set',
      { role: 'status' },
      'You can ',
      link('/account/sign-in', 'sign in'),
      ' with it now.',
    )
  }
  const made = form({ fields: [password], submit: 'Set password', act })
  show(kind.title, element('p', {}, kind.intro), made)
  password.input.focus()
}

const begin = () => {
  const [name, token] = takeLink()
  if (name !== null) choose(KINDS[name], token)
  else {
    show(
      'Choose a password',
      element('p', {}, 'This page needs the link of a mail. Open the link once more, as a whole.'),
      element('p', {}, 'Is it gone? ', link('/account/forgot', 'Ask for another one'), '.'),
    )
  }
}

// Another link that is opened while this page is open changes nothing but what stands behind the `#`.
window.addEventListener('hashchange', begin)
begin()
