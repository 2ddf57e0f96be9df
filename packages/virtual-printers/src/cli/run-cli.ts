import { createFleet, type Fleet } from '../fleet/fleet.js'
import { startControlServer, type ControlServer } from '../fleet/control-server.js'
import { HELP, parseArguments, UsageError, type CliArguments } from './arguments.js'
import { jsonReporter, textReporter, watchFleet, type Reporter } from './reporters.js'

const TICK_MS = 1000

/** What the command line needs of `process`. */
type CliProcess = Pick<NodeJS.Process, 'stdout' | 'stderr' | 'once' | 'off'>

/** Runs the fleet until SIGINT or SIGTERM. Returns the exit code: 0, 1 when it cannot start, 2 for bad arguments. */
export async function runCli(argv: readonly string[], io: CliProcess): Promise<number> {
  try {
    const options = parseArguments(argv)
    if (options.help) io.stdout.write(HELP)
    else await serve(options, io)
    return 0
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    io.stderr.write(`gantry-virtual: ${message}\n`)
    if (!(error instanceof UsageError)) return 1
    io.stderr.write('Try --help.\n')
    return 2
  }
}

async function serve(options: CliArguments, io: CliProcess): Promise<void> {
  const stopAsked = signal(io)
  const fleet = await startFleet(options)
  let control: ControlServer | null = null
  try {
    control = await startControlServer(fleet, { port: options.controlPort })
    const reporter = reporterFor(options, io)
    reporter.started(fleet, control.url)
    watchFleet(fleet.printers, (event) => reporter.happened(event))
    const ticking = setInterval(() => reporter.tick(fleet), TICK_MS)
    await stopAsked
    clearInterval(ticking)
    reporter.ended(fleet.counts())
  } finally {
    await control?.stop()
    await fleet.stop()
  }
}

function startFleet({ octoprint, moonraker, speed, host, ...rest }: CliArguments): Promise<Fleet> {
  return createFleet({
    octoprint,
    moonraker,
    speed,
    host,
    materials: rest.materials,
    nozzlesMm: rest.nozzlesMm,
    ...(rest.reportIntervalMs === undefined ? {} : { reportIntervalMs: rest.reportIntervalMs }),
    ...(rest.dataDir === undefined ? {} : { dataDir: rest.dataDir }),
    ...(rest.seed === undefined ? {} : { seed: rest.seed }),
  })
}

function reporterFor({ json }: CliArguments, { stdout }: CliProcess): Reporter {
  const write = (text: string): void => void stdout.write(text)
  return json ? jsonReporter(write) : textReporter(write, stdout.isTTY ? stdout : null)
}

/** Resolves at the first SIGINT or SIGTERM, or when nobody reads the output any more; a second signal ends the process. */
function signal(io: CliProcess): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      io.off('SIGINT', stop)
      io.off('SIGTERM', stop)
      resolve()
    }
    io.once('SIGINT', stop)
    io.once('SIGTERM', stop)
    io.stdout.on('error', stop)
  })
}
