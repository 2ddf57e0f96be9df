import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { freePort } from '../../processes/free-port.js'
import { HostProcess } from './host-process.js'
import { installHosts } from './install-hosts.js'

/** A real OctoPrint with its bundled virtual serial printer. */
export interface OctoPrintHost {
  url: string
  /** The admin's key. */
  apiKey: string
  /** What a person does after an emergency stop; resolves when the printer is connected again. */
  reconnectPrinter(): Promise<void>
  stop(): Promise<void>
}

const START_TIMEOUT_MS = 120_000
const API_KEY = '7B1F0C9D2E6A45838F64D0B1A2C3E4F5'

/** `firstRun: false` and the seen wizards keep the setup wizard from locking the API. */
const configYaml = (port: number) => `server:
  host: 127.0.0.1
  port: ${port}
  firstRun: false
  ignoreIncompleteStartup: true
  onlineCheck: {enabled: false}
  pluginBlacklist: {enabled: false}
  seenWizards: {corewizard: 4, classicwebcam: 1, backup: null, tracking: null, errortracking: null}
accessControl:
  salt: abcdefghijklmnopqrstuvwxyz012345
serial:
  port: VIRTUAL
  baudrate: 115200
  autoconnect: true
plugins:
  _disabled: [softwareupdate, tracking, announcements, discovery, errortracking, pluginmanager, backup, achievements,
    health_check]
  virtual_printer:
    enabled: true
`

/** One admin who logs in by key alone: the password's hash is of random bytes that nobody kept. */
const usersYaml = `_version: 2
admin:
  active: true
  apikey: ${API_KEY}
  groups: [admins]
  password: $argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$5OaIYSJ2IBMm0J2FTC9tqDfQ6GpR7kJZ0NNoVpTqBYk
  permissions: []
  settings: {}
`

/** Starts OctoPrint in a directory of its own; ready when it answers and its virtual printer is connected. */
export async function startOctoPrint(): Promise<OctoPrintHost> {
  const { octoprintPython } = await installHosts()
  const basedir = await mkdtemp(join(tmpdir(), 'gantry-octoprint-'))
  const port = await freePort()
  await writeFile(join(basedir, 'config.yaml'), configYaml(port))
  await writeFile(join(basedir, 'users.yaml'), usersYaml)
  const serve = ['serve', '--iknowwhatimdoing', '--host', '127.0.0.1', '--port', String(port), '--basedir', basedir]
  const host = new HostProcess(octoprintPython, basedir, 'octoprint', serve)
  const url = `http://127.0.0.1:${port}`
  const stop = async () => {
    await host.stop()
    await rm(basedir, { recursive: true, force: true, maxRetries: 3 })
  }
  const headers = { 'X-Api-Key': API_KEY, 'content-type': 'application/json' }
  const answers = async (path: string) => (await fetch(url + path, { headers })).ok
  const measures = async () => {
    const printer = (await (await fetch(`${url}/api/printer`, { headers })).json()) as { temperature?: object }
    return 'tool0' in (printer.temperature ?? {})
  }
  const connected = () => host.waitUntil(measures, 'its virtual printer tells temperatures', START_TIMEOUT_MS)
  const reconnectPrinter = async () => {
    await fetch(`${url}/api/connection`, { method: 'POST', headers, body: '{"command":"connect","port":"VIRTUAL"}' })
    await connected()
  }
  try {
    await host.waitUntil(() => answers('/api/version'), 'OctoPrint starts', START_TIMEOUT_MS)
    await connected()
  } catch (error) {
    await stop()
    throw error
  }
  return { url, apiKey: API_KEY, reconnectPrinter, stop }
}
