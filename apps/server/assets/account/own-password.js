import { call } from '/assets/api.js'
import { byId, element, setText } from '/assets/dom.js'
import { form, newPasswordField, passwordField } from '/assets/form.js'

import { showOwnSessions } from './own-sessions.js'

const explain = ({ code }) => (code === 'INVALID_CREDENTIALS' ? { currentPassword: 'This password is wrong.' } : null)

/** The form is there from the beginning, so that whoever comes with a one-time password sees it. */
export const showOwnPassword = (account) => {
  const fields = [passwordField('currentPassword', 'Present password'), newPasswordField('newPassword')]
  const done = element('p', { class: 'done', role: 'status' })
  const act = async (values) => {
    setText(done, '')
    await call('PUT', '/auth/me/password', values)
    for (const { input } of fields) input.value = ''
    setText(done, 'Your password is changed, and all your other sessions have ended.')
    await showOwnSessions()
  }
  byId('password').replaceChildren(form({ account, fields, submit: 'Change password', act, explain }), done)
}
