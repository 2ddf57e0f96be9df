import { randomBytes } from 'node:crypto'

import { expect, it } from 'vitest'

import { unchangingKeys, newId } from '../../kernel/index.js'
import { ManualClock } from '../../testing/manual-clock.js'
import { DownloadLinks, type LinkParts } from './download-links.js'

const partsOf = (path: string): LinkParts => {
  const url = new URL(path, 'http://localhost')
  const [, exportId = ''] = /^\/api\/exports\/([^/]+)\/download$/.exec(url.pathname) ?? []
  const of = (name: string) => url.searchParams.get(name) ?? ''
  return { exportId, userId: of('user'), expires: of('expires'), signature: of('signature') }
}

const open = () => {
  const clock = new ManualClock()
  const links = new DownloadLinks(unchangingKeys(randomBytes(32)), clock)
  return { clock, links, link: partsOf(links.pathTo(newId('export'), newId('user'))) }
}

const refused = expect.objectContaining({ code: 'LINK_REFUSED' }) as Error

it('a link is good for fifteen minutes', async () => {
  const { clock, links, link } = open()
  await clock.advance(15 * 60_000 - 1_000)
  links.check(link)
  await clock.advance(1_000)
  expect(() => links.check(link)).toThrow(expect.objectContaining({ code: 'LINK_EXPIRED' }) as Error)
})

it('a link is refused when anything of it is changed, and by another server', () => {
  const { links, link } = open()
  const changed: Partial<LinkParts>[] = [
    { exportId: newId('export') },
    { userId: newId('user') },
    { expires: String(Number(link.expires) + 1) },
    { expires: `${link.expires}0` },
    { signature: '' },
    { signature: link.signature.slice(1) },
    {
      signature:
        `A${link.signature.slice(1)}` === link.signature
          ? `B${link.signature.slice(1)}`
          : `A${link.signature.slice(1)}`,
    },
  ]
  for (const change of changed) expect(() => links.check({ ...link, ...change })).toThrow(refused)
  expect(() => open().links.check(link)).toThrow(refused)
})

it('a link that a key of before has signed is good as long as that key is known', () => {
  const [clock, before, now] = [new ManualClock(), randomBytes(32), randomBytes(32)]
  const link = partsOf(new DownloadLinks(unchangingKeys(before), clock).pathTo(newId('export'), newId('user')))
  const links = new DownloadLinks(unchangingKeys(now, before), clock)
  links.check(link)
  const made = partsOf(links.pathTo(newId('export'), newId('user')))
  new DownloadLinks(unchangingKeys(now), clock).check(made)
  expect(() => new DownloadLinks(unchangingKeys(now), clock).check(link)).toThrow(refused)
})
