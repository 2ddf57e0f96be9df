import { describe, expect, it } from 'vitest'

import { advisoriesIn, auditFaults, exceptionFaults, refusalIn, type Advisory, type AuditException } from './audit.js'
import { floorFaults, isBelow } from './floors.js'
import { installScriptFaults } from './install-scripts.js'
import { isAllowed, licenceFaults, licencePage } from './licences.js'
import { packagesIn, sourceFaults, type LockedPackage } from './lockfile.js'

const locked = (name: string, more: Partial<LockedPackage> = {}): LockedPackage => ({
  ...{ path: `node_modules/${name}`, name, version: '1.0.0', licence: 'MIT', integrity: 'sha512-x', resolved: null },
  ...{ hasInstallScript: false, dev: false, ...more },
})

describe('the lockfile', () => {
  it('is read with nested copies and without our own packages', () => {
    const packages = packagesIn(
      JSON.stringify({
        lockfileVersion: 3,
        packages: {
          '': { version: '0.1.0' },
          'apps/server': { version: '0.1.0' },
          'node_modules/@gantry/server': { resolved: 'apps/server', link: true },
          'node_modules/@scope/one': { version: '1.2.3', license: 'MIT', integrity: 'sha512-a', dev: true },
          'node_modules/two/node_modules/@scope/one': { version: '2.0.0', hasInstallScript: true },
        },
      }),
    )
    expect(packages.map(({ name, version, dev, hasInstallScript }) => [name, version, dev, hasInstallScript])).toEqual([
      ['@scope/one', '1.2.3', true, false],
      ['@scope/one', '2.0.0', false, true],
    ])
    expect(() => packagesIn('{"lockfileVersion":2}')).toThrow('not of version 3')
  })

  it('takes packages from the registry alone, and with a checksum', () => {
    expect(
      sourceFaults([locked('a'), locked('b', { resolved: 'https://registry.npmjs.org/b/-/b-1.0.0.tgz' })]),
    ).toEqual([])
    expect(
      sourceFaults([locked('a', { integrity: null }), locked('b', { resolved: 'git+ssh://git@example.org/b.git#1' })]),
    ).toEqual([
      'a@1.0.0 has no checksum in the lockfile',
      'b@1.0.0 comes from git+ssh://git@example.org/b.git#1 and not from the registry',
    ])
  })
})

it('install scripts are named, each of them and nothing else', () => {
  const packages = [locked('a', { hasInstallScript: true }), locked('b', { hasInstallScript: true }), locked('c')]
  expect(installScriptFaults(packages, { a: true, b: false })).toEqual([])
  expect(installScriptFaults(packages, { a: true, c: true })).toEqual([
    'b has an install script and is not named in allowScripts',
    'c is named in allowScripts and has no install script',
  ])
})

describe('floors', () => {
  it.each([
    ['1.2.3', '1.2.3', false],
    ['1.2.2', '1.2.3', true],
    ['1.10.0', '1.9.9', false],
    ['2.0.0', '10.0.0', true],
    ['1.2.3-beta.1', '1.2.3', true],
    ['1.2.4-beta.1', '1.2.3', false],
  ])('%s against %s', (version, floor, below) => {
    expect(isBelow(version, floor)).toBe(below)
  })

  it('hold nested copies, too', () => {
    const nested = locked('undici', { path: 'node_modules/a/node_modules/undici', version: '6.0.0' })
    expect(
      floorFaults([locked('undici', { version: '7.29.1' }), nested], { undici: '7.29.1', absent: '1.0.0' }),
    ).toEqual(['undici@6.0.0 (node_modules/a/node_modules/undici) is below 7.29.1'])
    expect(() => floorFaults([nested], { undici: 'latest' })).toThrow('latest is no version')
  })
})

describe('licences', () => {
  const allowed = new Set(['MIT', 'ISC', 'Zlib'])
  it.each([
    ['MIT', true],
    ['GPL-3.0', false],
    ['(MIT OR GPL-3.0)', true],
    ['MIT AND GPL-3.0', false],
    ['(MIT AND Zlib)', true],
    ['MIT and ISC', true],
    ['(MIT AND Zlib) OR GPL-3.0', true],
    ['(GPL-3.0 OR MIT) AND (GPL-2.0 OR AGPL-3.0)', false],
    ['MIT WITH Classpath-exception-2.0', false],
    ['SEE LICENSE IN LICENSE.txt', false],
    ['', false],
  ])('%s: %s', (expression, expected) => {
    expect(isAllowed(expression, allowed)).toBe(expected)
  })

  it('beside the list need an exception with a reason and a use', () => {
    const odd = locked('odd-linux', { licence: 'EPL-2.0' })
    const exception = { package: 'odd-*', licence: 'EPL-2.0', reason: 'Comes unchanged.' }
    const rules = { allowed: ['MIT'], exceptions: [] }
    expect(licenceFaults([locked('a'), odd, locked('b', { licence: null })], rules)).toEqual([
      'odd-linux@1.0.0 has the licence EPL-2.0, which is not allowed',
      'b@1.0.0 names no licence',
    ])
    expect(licenceFaults([odd], { ...rules, exceptions: [exception] })).toEqual([])
    expect(licenceFaults([odd], { ...rules, exceptions: [{ ...exception, reason: ' ' }] })).toEqual([
      'the exception for odd-* has no reason',
    ])
    expect(licenceFaults([locked('odd-mac')], { ...rules, exceptions: [exception] })).toEqual([
      'the exception for odd-* (EPL-2.0) is not needed',
    ])
  })

  it('stand in a page by name, without what is for development', () => {
    const page = licencePage([
      locked('b', { version: '2.0.0' }),
      locked('a', { licence: 'ISC' }),
      locked('b'),
      locked('c', { dev: true }),
    ])
    expect(page.slice(page.indexOf('\n## '))).toBe('\n## ISC\n\n- `a` 1.0.0\n\n## MIT\n\n- `b` 1.0.0, 2.0.0\n')
  })
})

describe('known holes', () => {
  const hole: Advisory = { id: 'GHSA-abcd-1234-efgh', package: 'a', severity: 'high', title: 'It leaks' }
  const exception: AuditException = {
    ...{ advisory: hole.id, package: 'a', reason: 'We never call it.', until: '2026-12-31' },
  }
  const now = new Date('2026-12-01T12:00:00Z')

  it('are each told once, whatever is reached through them', () => {
    const via = { url: `https://github.com/advisories/${hole.id}`, name: 'a', severity: 'high', title: 'It leaks' }
    const report = {
      auditReportVersion: 2,
      vulnerabilities: { a: { via: [via] }, b: { via: ['a'] }, c: { via: [via] } },
    }
    expect(advisoriesIn(JSON.stringify(report))).toEqual([hole])
    expect(auditFaults([hole], [])).toEqual(['a: It leaks (high, GHSA-abcd-1234-efgh)'])
  })

  it('are nothing that a registry knows which does not answer', () => {
    const refused = '{"message":"request failed\\nagain","error":{}}'
    expect(advisoriesIn(refused)).toBeNull()
    expect(refusalIn(refused)).toBe('request failed')
    expect(advisoriesIn('')).toBeNull()
    expect(refusalIn('')).toBe('npm audit said nothing')
  })

  it('may be lived with for a while, and as long as they are there', () => {
    expect(auditFaults([hole], [exception])).toEqual([])
    expect(auditFaults([{ ...hole, package: 'b' }], [exception])).toHaveLength(2)
    expect(auditFaults([], [exception])).toEqual(['the exception for GHSA-abcd-1234-efgh in a is not needed any more'])
  })

  it.each<[string, Partial<AuditException>, string | null]>([
    ['a good one', {}, null],
    ['one on its last day', { until: '2026-12-01' }, null],
    ['one of yesterday', { until: '2026-11-30' }, 'ended on 2026-11-30'],
    ['one for years', { until: '2028-01-01' }, 'lasts for more than 180 days'],
    ['one without a day', { until: 'never' }, 'has no last day'],
    ['one of no calendar', { until: '2026-13-41' }, 'has no last day'],
    ['one without a reason', { reason: '' }, 'has no reason'],
    ['one for anything', { advisory: 'all' }, 'names no advisory'],
  ])('%s among the exceptions', (_what, change, fault) => {
    expect(exceptionFaults([{ ...exception, ...change }], now)).toEqual(
      fault === null ? [] : [expect.stringContaining(fault)],
    )
  })
})
