/** Processes of this repository, as the benches, the fault bench and the demo start them. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

const READY = /running at (http:\S+)/
const START_MS = 60_000
const STOP_MS = 30_000

/** Node's arguments for running a TypeScript file of the repository in a process of its own. */
export const sourceArguments = (file: string, preload: readonly string[] = []): string[] => [
  ...['tsx', ...preload].flatMap((module) => ['--import', module]),
  '--conditions=gantry-source',
  file,
]

/** The URL that a server tells on its standard error. @throws Error with what it said, when it ends or takes too long */
export const readyUrl = (child: ChildProcess, withinMs = START_MS): Promise<string> =>
  new Promise((resolve, reject) => {
    const said: string[] = []
    const fail = (why: string) => {
      clearTimeout(timer)
      reject(new Error(`The server ${why}. It said:\n${said.join('\n')}`))
    }
    const timer = setTimeout(() => fail('was not ready in time'), withinMs)
    const onExit = (code: number | null) => fail(`ended with exit code ${code ?? 'none'}`)
    child.once('exit', onExit)
    if (child.stderr === null) return fail('has no standard error')
    createInterface({ input: child.stderr }).on('line', (line) => {
      said.push(line)
      const url = READY.exec(line)?.[1]
      if (url === undefined) return
      clearTimeout(timer)
      child.off('exit', onExit)
      resolve(url)
    })
  })

/** Ends a process in order, or by force when it takes too long. */
export const endProcess = async (child: ChildProcess, withinMs = STOP_MS): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const timer = setTimeout(() => child.kill('SIGKILL'), withinMs)
  child.kill('SIGTERM')
  await once(child, 'exit')
  clearTimeout(timer)
}
