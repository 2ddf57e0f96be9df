import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parseArguments, UsageError } from './arguments.js'
import { textTable } from './text-table.js'

const CLI = fileURLToPath(new URL('../cli.ts', import.meta.url))

function start(...argv: string[]) {
  const child = spawn(process.execPath, ['--conditions=gantry-source', '--import', 'tsx', CLI, ...argv])
  let output = ''
  child.stdout.on('data', (data: Buffer) => (output += data.toString()))
  child.stderr.on('data', (data: Buffer) => (output += data.toString()))
  return { child, output: () => output, exit: once(child, 'exit') }
}

test('it prints the fleet, serves it, tells what happens, and ends cleanly on SIGTERM', async () => {
  const { child, output, exit } = start('--octoprint', '1', '--moonraker', '1', '--speed', '1000')
  await expect.poll(output, { timeout: 20_000 }).toContain('Ctrl-C ends it')
  expect(output()).toMatch(/octoprint-1 +octoprint +http:\/\/127\.0\.0\.1:\d+ +[0-9a-f]{32}/)
  const control = /control API (http:\S+)/.exec(output())?.[1] ?? ''
  const body = JSON.stringify({ name: 'a.gcode', content: 'G4 S1\n' })
  await fetch(`${control}/printers/octoprint-1/start-at-panel`, { method: 'POST', body })
  await expect.poll(output).toMatch(/octoprint-1 +done a\.gcode after \d+ s/)
  child.kill('SIGTERM')
  expect(await exit).toEqual([0, null])
  expect(output()).toMatch(/prints started +1\n/)
  expect(output()).not.toContain('\u001b')
})

test('with --json every line is an object, the first one is the fleet', async () => {
  const { child, output, exit } = start(
    '--octoprint',
    '1',
    '--json',
    '--seed',
    'x',
    '--material',
    'PLA,PETG',
    '--nozzle',
    '0.6',
  )
  await expect.poll(output, { timeout: 20_000 }).toContain('\n')
  const [fleet] = output().split('\n')
  expect(JSON.parse(fleet!)).toMatchObject({
    type: 'fleet',
    printers: [{ name: 'octoprint-1', kind: 'octoprint', material: 'PLA', nozzleMm: 0.6 }],
  })
  child.kill('SIGINT')
  expect(await exit).toEqual([0, null])
  const last = output().trimEnd().split('\n').at(-1)!
  expect(JSON.parse(last)).toMatchObject({ type: 'counts', total: { starts: 0 } })
})

test('bad arguments end with code 2 and a sentence', async () => {
  const { output, exit } = start('--speed', 'fast')
  expect((await exit)[0]).toBe(2)
  expect(output()).toContain('--speed must be a number from 0.001 to 100000, not "fast"')
})

test('without numbers there are three of each kind; with one number only that kind', () => {
  expect(parseArguments([])).toMatchObject({ octoprint: 3, moonraker: 3, speed: 1, controlPort: 0, json: false })
  expect(parseArguments(['--octoprint', '2'])).toMatchObject({ octoprint: 2, moonraker: 0 })
  expect(() => parseArguments(['--octoprint', '1.5'])).toThrow(UsageError)
  expect(() => parseArguments(['--octoprint', ''])).toThrow(UsageError)
  expect(() => parseArguments(['--what'])).toThrow(UsageError)
  expect(() => parseArguments(['--material', 'PLA,'])).toThrow(UsageError)
  expect(() => parseArguments(['--nozzle', '0.4,wide'])).toThrow(UsageError)
})

test('a table is as wide as its cells', () => {
  expect(textTable(['A', 'B'], [['long cell', '1']])).toBe('A          B\n────────────\nlong cell  1')
})
