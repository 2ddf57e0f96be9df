import { keepsCookies, signIn } from './api.js'
import { element } from './dom.js'
import { codeField, field, form, passwordField } from './form.js'

/** Where `auth.methods` would offer other ways to sign in than by password: a link or button each. */
const otherWays = () => element('div', { class: 'other-ways', hidden: '' })

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
