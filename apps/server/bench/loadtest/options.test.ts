import { describe, expect, it } from 'vitest'

import { readOptions, UsageError } from './options.js'

const read = (line: string, environment: Record<string, string> = {}) =>
  readOptions(line === '' ? [] : line.split(' '), environment)

describe('the options of the load test', () => {
  it('compare two servers of its own when no other is named', () => {
    expect(read('')).toEqual({ seconds: 30, connections: 12, running: null })
    expect(read('--seconds 5 --connections 3')).toEqual({ seconds: 5, connections: 3, running: null })
    expect(read('--help')).toBe('help')
  })

  it('name a running server and who asks it, with reads alone unless told otherwise', () => {
    const running = (line: string, environment: Record<string, string> = {}) => {
      const options = read(`--url http://farm.test:3000/ ${line}`, environment)
      return options === 'help' ? null : options.running
    }
    const url = 'http://farm.test:3000'
    expect(running('--token t')).toEqual({ url, login: { token: 't' }, writes: false })
    const login = { email: 'a@b.test', password: 'p' }
    expect(running('--email a@b.test --password p --writes')).toEqual({ url, login, writes: true })
    expect(running('--writes', { LOADTEST_TOKEN: 't' })).toEqual({ url, login: { token: 't' }, writes: true })
    const environment = { LOADTEST_PASSWORD: 'p', LOADTEST_TOKEN: 'of somebody else' }
    expect(running('--email a@b.test', environment)).toEqual({ url, login, writes: false })
  })

  it.each([
    ['--seconds 0', '--seconds must be a whole number from 1 to 300.'],
    ['--seconds 1.5', '--seconds must be a whole number from 1 to 300.'],
    ['--connections 201', '--connections must be a whole number from 1 to 200.'],
    ['--token t', '--token goes with --url, the server that it is meant for.'],
    ['--writes', '--writes goes with --url, the server that it is meant for.'],
    ['--url ftp://farm.test --token t', '--url must be a URL such as http://127.0.0.1:3000.'],
    ['--url http://a:b@farm.test --token t', '--url holds no password; --email and --password say who logs in.'],
    [
      '--url http://farm.test',
      '--url needs --token, or --email and --password; the environment may hold them (--help).',
    ],
    ['--url http://farm.test --token t --email a@b.test', '--token and --email exclude each other.'],
  ])('say what is wrong with %s', (line, sentence) => {
    expect(() => read(line)).toThrow(new UsageError(sentence))
  })

  it('name an option that there is not', () => {
    expect(() => read('--duration 5')).toThrow("Unknown option '--duration'")
    expect(() => read('5')).toThrow(UsageError)
  })
})
