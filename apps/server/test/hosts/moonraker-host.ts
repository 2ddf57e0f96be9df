import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { freePort } from '../../processes/free-port.js'
import { HostProcess } from './host-process.js'
import { installHosts } from './install-hosts.js'
import { KlippyStandIn } from './klippy/klippy-stand-in.js'

export interface MoonrakerOptions {
  /** How fast the stand-in's heaters are. @default 200 */
  heatingCelsiusPerSecond?: number
}

/** A real Moonraker in front of a stand-in for Klipper. */
export interface MoonrakerHost {
  url: string
  apiKey: string
  klippy: KlippyStandIn
  /** What a person does after an emergency stop; resolves when Klippy is ready again. */
  restartKlippy(): Promise<void>
  stop(): Promise<void>
}

const START_TIMEOUT_MS = 60_000

/** Nobody is trusted by address, so that the key is really asked for. */
const moonrakerConf = (port: number, dataDir: string) => `[server]
host: 127.0.0.1
port: ${port}
klippy_uds_address: ${dataDir}/comms/klippy.sock
[machine]
provider: none
validate_service: False
validate_config: False
[authorization]
trusted_clients:
    192.0.2.0/24
[file_manager]
check_klipper_config_path: False
[history]
[announcements]
enable_moonlight: False
`

/** Starts Moonraker and the stand-in in a directory of their own; ready when Klippy is. */
export async function startMoonraker(options: MoonrakerOptions = {}): Promise<MoonrakerHost> {
  const { moonrakerPython } = await installHosts()
  const dataDir = await mkdtemp(join(tmpdir(), 'gantry-moonraker-'))
  for (const folder of ['config', 'comms', 'gcodes']) await mkdir(join(dataDir, folder))
  const port = await freePort()
  await writeFile(join(dataDir, 'config', 'moonraker.conf'), moonrakerConf(port, dataDir))
  const klippy = new KlippyStandIn({
    socketPath: join(dataDir, 'comms', 'klippy.sock'),
    gcodesDir: join(dataDir, 'gcodes'),
    ...options,
  })
  await klippy.start()
  const host = new HostProcess(moonrakerPython, dataDir, 'moonraker', ['-d', dataDir])
  const url = `http://127.0.0.1:${port}`
  const stop = async () => {
    await host.stop()
    await klippy.stop()
    await rm(dataDir, { recursive: true, force: true, maxRetries: 3 })
  }
  try {
    await host.waitUntil(() => answers(url), 'Moonraker starts', START_TIMEOUT_MS)
    const apiKey = await readApiKey(join(dataDir, 'comms', 'moonraker.sock'))
    // Until Moonraker has come to the new Klippy, its `ready` may still be the old one's.
    const isReady = async () => klippy.isAttached && (await klippyIsReady(url, apiKey))
    const ready = () => host.waitUntil(isReady, 'Moonraker finds Klippy', START_TIMEOUT_MS)
    await ready()
    const restartKlippy = async () => {
      klippy.restart()
      await ready()
    }
    return { url, apiKey, klippy, restartKlippy, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const answers = async (url: string) => (await fetch(`${url}/access/info`)).ok

async function klippyIsReady(url: string, apiKey: string): Promise<boolean> {
  const response = await fetch(`${url}/server/info`, { headers: { 'X-Api-Key': apiKey } })
  const info = (await response.json()) as { result?: { klippy_state?: string } }
  return info.result?.klippy_state === 'ready'
}

/** Moonraker's own socket on the machine asks for no key, and is how its command line tools learn the key. */
function readApiKey(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath)
    let received = ''
    socket.setEncoding('utf8').setTimeout(10_000, () => socket.destroy(new Error('Moonraker did not tell its key')))
    socket.on('error', reject)
    socket.on('data', (chunk: string) => {
      received += chunk
      const end = received.indexOf('\x03')
      if (end < 0) return
      socket.destroy()
      resolve((JSON.parse(received.slice(0, end)) as { result: string }).result)
    })
    socket.write('{"jsonrpc":"2.0","id":1,"method":"access.get_api_key"}\x03')
  })
}
