import { describe, expect, it } from 'vitest'

import { checkNewPassword } from './password-policy.js'

const EMAIL = 'ada.lovelace@example.org'
const refusalOf = (password: string, email = EMAIL) =>
  checkNewPassword({ password, email }).then(
    () => null,
    (error: unknown) => error as { params: { reason: string }; fields: unknown; code: string; userText: string },
  )
const reasonOf = async (password: string, email = EMAIL) => (await refusalOf(password, email))?.params.reason ?? null

describe('a password that somebody chooses', () => {
  it.each([
    ['a'.repeat(2) + 'Kq9$x', 'too_short'],
    ['aaKq9$xz', null],
    ['q7'.repeat(64), null],
    ['q7'.repeat(64) + '!', 'too_long'],
    ['🦊🦉🐝🌵🍋🎲🧵', 'too_short'],
    ['🦊🦉🐝🌵🍋🎲🧵🪁', null],
    ['🦊🦉'.repeat(64), null],
    ['🦊🦉'.repeat(64) + '🐝', 'too_long'],
  ])('is counted in characters: %s', async (password, reason) => {
    expect(await reasonOf(password)).toBe(reason)
  })

  it.each([
    ['ada.lovelace', EMAIL],
    ['my ADA.Lovelace 1843', EMAIL],
    [EMAIL, EMAIL],
    ['ab@example.org', 'ab@example.org'],
  ])('is refused as part of the address: %s', async (password, email) => {
    expect(await reasonOf(password, email)).toBe('contains_email')
  })

  it('may hold a name of three letters, which stands in many words', async () => {
    expect(await reasonOf('adamant grapefruit', 'ada@example.org')).toBeNull()
  })

  it.each(['password', 'PASSWORD', 'Iloveyou', '1q2w3e4r', 'qwertyuiop', 'starwars'])(
    'is refused when it is tried first by everybody: %s',
    async (password) => {
      expect(await reasonOf(password)).toBe('common')
    },
  )

  it('is refused with its field and a reason that a person understands', async () => {
    const detail = 'it needs at least 8 characters'
    expect(await refusalOf('short')).toMatchObject({
      code: 'PASSWORD_REFUSED',
      params: { reason: 'too_short', detail },
      fields: { password: [detail] },
      userText: `The password cannot be used: ${detail}`,
    })
    const changed = checkNewPassword({ password: 'short', email: EMAIL, field: 'newPassword' })
    await expect(changed).rejects.toMatchObject({ fields: { newPassword: [detail] } })
  })
})
