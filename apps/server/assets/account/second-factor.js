import { call } from '/assets/api.js'
import { byId, element } from '/assets/dom.js'
import { codeField, field, form, passwordField } from '/assets/form.js'

import { qrCode } from './qr-code.js'
import { recoveryCodes } from './recovery-codes.js'

const show = (...parts) => byId('factor').replaceChildren(...parts)

const text = (content, attributes = {}) => element('p', attributes, content)

const wrongPassword = ({ code }) => (code === 'INVALID_CREDENTIALS' ? { password: 'This password is wrong.' } : null)
const wrongCode = ({ code }) =>
  code === 'INVALID_CREDENTIALS' ? { code: 'This code is wrong, or was used already.' } : null
const wrongEither = ({ code }) =>
  code === 'INVALID_CREDENTIALS' ? { '': 'The password or the code is wrong, or the code was used already.' } : null

const showCodes = ({ recoveryCodes: codes }) => {
  const { made, title } = recoveryCodes(codes, () => void showSecondFactor())
  show(made)
  title.focus()
}

/** In groups of four, as one reads it off. */
const grouped = (secret) => secret.match(/.{1,4}/g).join(' ')

const confirmSeed = ({ secret, uri }) => {
  const code = field('code', 'Code', {
    ...{ autocomplete: 'one-time-code', inputmode: 'numeric', spellcheck: 'false' },
    hint: 'Six digits that the app shows now.',
  })
  const act = async (values) => showCodes(await call('POST', '/second-factor/confirm', values))
  const steps = element(
    'ol',
    { class: 'steps' },
    element('li', {}, 'Open an authenticator app and read this picture:', qrCode(uri, 'QR code of the key below')),
    element('li', {}, 'Or type in this key: ', element('span', { class: 'secret-key' }, grouped(secret))),
    element('li', {}, 'Then type in what the app shows.'),
  )
  show(steps, form({ fields: [code], submit: 'Switch on', act, explain: wrongCode, beside: [cancelButton()] }))
  code.input.focus()
}

const cancelButton = () => element('button', { type: 'button', onclick: () => void showSecondFactor() }, 'Cancel')

const setUp = () => {
  const act = async (values) => confirmSeed(await call('POST', '/second-factor', values))
  return form({ fields: [passwordField()], submit: 'Set up', act, explain: wrongPassword })
}

/** What needs both proofs, and is seldom wanted. */
const folded = (title, submit, act) => {
  const fields = [passwordField(), codeField()]
  return element('details', {}, element('summary', {}, title), form({ fields, submit, act, explain: wrongEither }))
}

const renewCodes = () =>
  folded('New recovery codes', 'Make new codes', async (values) =>
    showCodes(await call('POST', '/second-factor/recovery-codes', values)),
  )

const remove = () =>
  folded('Remove the second factor', 'Remove', async (values) => {
    await call('POST', '/second-factor/remove', values)
    await showSecondFactor()
  })

/** Whether signing in needs a code, and what can be done about it. */
export const showSecondFactor = async () => {
  const { enabled, recoveryCodesLeft } = await call('GET', '/second-factor')
  if (enabled) {
    const left = `It is on: signing in needs a code of your app. Recovery codes left: ${recoveryCodesLeft}.`
    show(text(left), renewCodes(), remove())
    return
  }
  const why = 'It is off. With it, signing in needs a code of an app on your phone, beside the password.'
  show(text(why), element('details', {}, element('summary', {}, 'Set it up'), setUp()))
}
