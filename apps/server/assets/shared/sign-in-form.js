import { keepsCookies, signIn, waysIn } from './api.js'
import { element } from './dom.js'
import { codeField, field, form, passwordField } from './form.js'

const { location } = window

/** A sign-on ends in cookies alone. It comes back to the page for signing in, which goes on or tells why it cannot. */
const signOnLink = ({ name, url }) => {
  const back = new URL('/account/sign-in', location.origin)
  const wanted = new URLSearchParams(location.search).get('returnTo')
  if (wanted !== null) back.searchParams.set('returnTo', wanted)
  back.searchParams.set('signedOn', '')
  const to = new URL(url, location.origin)
  to.searchParams.set('return_to', back.pathname + back.search)
  return element('a', { class: 'button', href: to.href }, `Sign in with ${name}`)
}

/** What there is beside the password. Where that cannot be found out, the password is there all the same. */
const otherWays = () => {
  const ways = element('div', { class: 'other-ways', hidden: '' })
  const show = async () => {
    const { signOn } = await waysIn()
    if (signOn === null || !keepsCookies) return
    ways.append(signOnLink(signOn))
    ways.hidden = false
  }
  show().catch(() => undefined)
  return ways
}

/** @param onSignedIn gets the user */
export const signInForm = (onSignedIn) => {
  const email = field('email', 'E-mail', {
    ...{ type: 'email', autocomplete: 'username', autocapitalize: 'off', spellcheck: 'false' },
  })
  const password = passwordField()
  const code = codeField()
  code.root.hidden = true

  const asksForCode = () => {
    code.root.hidden = false
    code.input.value = ''
    code.input.focus()
  }
  const act = async (login) => {
    try {
      const user = await signIn(login)
      for (const { input } of [password, code]) input.value = ''
      code.root.hidden = true
      await onSignedIn(user)
    } catch (error) {
      if (error.code !== 'SECOND_FACTOR_REQUIRED') throw error
      asksForCode()
    }
  }
  // Another account may have no second factor, or one of its own.
  for (const { input } of [email, password]) input.addEventListener('input', () => (code.root.hidden = true))

  // The code is asked for after the right password alone, so that then it is the code that is wrong.
  const explain = (error) => {
    if (error.code !== 'INVALID_CREDENTIALS') return null
    return code.root.hidden ? { password: error.message } : { code: 'This code is wrong, or was used already.' }
  }
  const made = form({ fields: [email, password, code], submit: 'Sign in', act, explain })
  const help = element('p', { class: 'help' }, element('a', { href: '/account/forgot' }, 'Password forgotten?'))
  const notice = 'This address is not encrypted: you stay signed in until you leave this page.'
  const parts = keepsCookies ? [] : [element('p', { class: 'hint' }, notice)]
  return element('div', { class: 'sign-in' }, made, otherWays(), help, ...parts)
}
