import { callOpenly } from '/assets/api.js'
import { byId, element } from '/assets/dom.js'
import { field, form } from '/assets/form.js'

const email = field('email', 'E-mail', {
  ...{ type: 'email', autocomplete: 'username', autocapitalize: 'off', spellcheck: 'false' },
})

const done = () => {
  const text = element(
    'p',
    { role: 'status', tabindex: '-1' },
    'If this address has an account here, a mail with a link is on its way. The link can be used for half an hour.',
  )
  const help = element(
    'p',
    { class: 'hint' },
    'Nothing came? Look among unwanted mail; another one is sent after a minute at the earliest. Where this server sends no mails, an admin can give you a link.',
  )
  byId('gate').replaceChildren(text, help)
  text.focus()
}

const act = async (values) => {
  await callOpenly('POST', '/auth/password-reset', values)
  done()
}

byId('gate').replaceChildren(form({ fields: [email], submit: 'Send me a link', act }))
email.input.focus()
