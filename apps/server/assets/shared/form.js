/** Forms that say beside each field what is wrong with it. */

import { element, setText } from './dom.js'

let made = 0

const eyeOf = (input) => {
  const button = element('button', { type: 'button', class: 'eye', 'aria-pressed': 'false' }, 'Show')
  const subject = input.getAttribute('data-label')
  button.setAttribute('aria-label', `Show: ${subject}`)
  button.addEventListener('click', () => {
    const isShown = input.type === 'password'
    input.type = isShown ? 'text' : 'password'
    button.setAttribute('aria-pressed', String(isShown))
  })
  return button
}

/**
 * @param attributes of the input; `hint` stands above it
 * @returns `{ name, root, input, tell }`, of which `tell` says what is wrong; an empty text: nothing is
 */
export const field = (name, label, { hint = '', ...attributes } = {}) => {
  const id = `${name}-${(made += 1)}`
  const problem = element('p', { id: `${id}-problem`, class: 'problem' })
  const about = element('p', { id: `${id}-hint`, class: 'hint' }, hint)
  const described = hint === '' ? `${id}-problem` : `${id}-hint ${id}-problem`
  const input = element('input', {
    id,
    name,
    'data-label': label,
    required: '',
    'aria-describedby': described,
    ...attributes,
  })
  const isSecret = attributes.type === 'password'
  const row = isSecret ? element('div', { class: 'secret' }, input, eyeOf(input)) : input
  const parts = hint === '' ? [row, problem] : [about, row, problem]
  const root = element('div', { class: 'field' }, element('label', { for: id }, label), ...parts)
  const tell = (text) => {
    setText(problem, text)
    if (text === '') input.removeAttribute('aria-invalid')
    else input.setAttribute('aria-invalid', 'true')
  }
  return { name, root, input, tell }
}

/** The present password, where one says again who one is. */
export const passwordField = (name = 'password', label = 'Password') =>
  field(name, label, { type: 'password', autocomplete: 'current-password' })

export const newPasswordField = (name) =>
  field(name, 'New password', {
    ...{ type: 'password', autocomplete: 'new-password' },
    hint: '8 to 128 characters. Not your e-mail address, and none of those that many people use. A few words are easy to keep in mind.',
  })

export const codeField = () =>
  field('code', 'Code', {
    ...{ autocomplete: 'one-time-code', autocapitalize: 'off', spellcheck: 'false' },
    hint: 'Six digits of your authenticator app, or one of your recovery codes.',
  })

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1)

/** By name of the field what the error says of it; under '' what is about none of them. */
const findings = (error, fields, explain) => {
  const explained = explain(error)
  if (explained !== null) return explained
  const known = fields.map(({ name }) => name).filter((name) => name in (error.fields ?? {}))
  if (known.length === 0) return { '': error.message }
  const textOf = (name) => (error.code === 'PASSWORD_REFUSED' ? error.message : error.fields[name].join('; '))
  return Object.fromEntries(known.map((name) => [name, sentence(textOf(name))]))
}

const accountOf = (account) =>
  account === null ? [] : [element('input', { value: account, autocomplete: 'username', hidden: '' })]

const emptyOnes = (fields) =>
  fields
    .filter(({ root, input }) => !root.hidden && input.value === '')
    .map(({ name, input }) => [name, `${input.dataset.label} is missing.`])

/**
 * @param act gets the values by name, without those of hidden fields
 * @param account the address that the passwords in it belong to, for whatever keeps passwords
 * @param beside further buttons
 * @param explain says by name of the field what an error means here; null: what it says itself
 */
export const form = ({ fields, submit, act, explain = () => null, account = null, beside = [] }) => {
  const problem = element('p', { class: 'problem', role: 'alert' })
  const button = element('button', { type: 'submit' }, submit)
  const actions = element('div', { class: 'actions' }, button, ...beside)
  const parts = [...accountOf(account), ...fields.map(({ root }) => root), problem, actions]
  // Nothing is sent by the browser itself, and what is wrong is said in the words of the API.
  const made = element('form', { method: 'post', novalidate: '' }, ...parts)

  const show = (found) => {
    for (const { name, tell } of fields) tell(found[name] ?? '')
    setText(problem, found[''] ?? '')
    fields.find(({ name }) => name in found)?.input.focus()
  }
  const submitted = async () => {
    const empty = emptyOnes(fields)
    show(Object.fromEntries(empty))
    if (empty.length > 0) return
    button.disabled = true
    try {
      const shown = fields.filter(({ root }) => !root.hidden)
      await act(Object.fromEntries(shown.map(({ name, input }) => [name, input.value])))
    } catch (error) {
      show(findings(error, fields, explain))
    } finally {
      button.disabled = false
    }
  }
  made.addEventListener('submit', (event) => {
    event.preventDefault()
    if (!button.disabled) void submitted()
  })
  return made
}
