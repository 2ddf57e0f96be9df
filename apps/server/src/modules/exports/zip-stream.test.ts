import { randomBytes } from 'node:crypto'

import { expect, it } from 'vitest'

import { unzipped } from '../../testing/unzipped.js'
import { ZipStream } from './zip-stream.js'

it('makes an archive that reads back, of files in many pieces, of empty ones and with names in any letters', () => {
  const zip = new ZipStream()
  const pieces = Array.from({ length: 50 }, () => `${randomBytes(500).toString('hex')}\r\n`)
  const archive = Buffer.concat([
    zip.beginFile('jobs.csv'),
    ...pieces.map((piece) => zip.content(Buffer.from(piece))),
    zip.endFile(),
    zip.beginFile('leer.csv'),
    zip.endFile(),
    zip.beginFile('würfel.csv'),
    zip.content(Buffer.from('a')),
    zip.endFile(),
    zip.close(),
  ])
  expect(unzipped(archive)).toEqual({ 'jobs.csv': pieces.join(''), 'leer.csv': '', 'würfel.csv': 'a' })
  expect(archive.length).toBeLessThan(pieces.join('').length * 0.7)
})
