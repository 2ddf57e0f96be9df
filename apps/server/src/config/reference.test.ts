import { readFileSync } from 'node:fs'

import { describe, expect, it } from 'vitest'

import { SETTINGS, type Setting } from './settings.js'

const repository = new URL('../../../../', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, repository), 'utf8')
const settings = Object.entries<Setting>(SETTINGS)
const squeezed = (text: string) => text.replaceAll(/\s+/g, ' ')

describe('every setting', () => {
  it('stands in .env.example with its default and its sentence, and nothing else does', () => {
    const example = read('.env.example')
    const listed = [...example.matchAll(/^# ([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value])
    expect(listed).toEqual(
      settings.map(([name, { defaultText }]) => [name, defaultText === 'unset' ? '' : defaultText]),
    )
    const prose = squeezed(example.replaceAll(/^# ?/gm, ''))
    for (const [, { description }] of settings) expect(prose).toContain(description)
  })

  it('stands in the reference with its default and its sentence, and nothing else does', () => {
    const rows = [...read('docs/reference/environment.md').matchAll(/^\| `([A-Z_]+)`\s*\| (.*?)\s*\| (.*?)\s*\|$/gm)]
    expect(rows.map(([, name, value, meaning]) => [name, value?.replaceAll('`', ''), meaning])).toEqual(
      settings.map(([name, { defaultText, description, secret }]) => [
        name,
        defaultText,
        secret === true ? `${description} Secret.` : description,
      ]),
    )
  })
})
