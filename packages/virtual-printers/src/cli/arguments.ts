import { parseArgs } from 'node:util'

export interface CliArguments {
  readonly help: boolean
  readonly octoprint: number
  readonly moonraker: number
  readonly speed: number
  readonly host: string
  readonly controlPort: number
  readonly reportIntervalMs: number | undefined
  readonly dataDir: string | undefined
  readonly seed: string | undefined
  /** Dealt out in turn; empty for none. */
  readonly materials: readonly string[]
  readonly nozzlesMm: readonly number[]
  readonly json: boolean
}

/** Arguments that make no fleet; the message is for the person who typed them. */
export class UsageError extends Error {}

export const HELP = `gantry-virtual: a fake fleet of 3D printers that speaks the real protocols on real sockets

Usage: gantry-virtual [--octoprint N] [--moonraker N] [options]

  --octoprint N           printers behind OctoPrint              (3 when neither number is given)
  --moonraker N           printers behind Moonraker and Klipper  (3 when neither number is given)
  --speed X               machine seconds per second, 0.001 to 100000          (default 1)
  --host ADDRESS          address to listen on                                 (default 127.0.0.1)
  --control-port N        port of the control API, 0 for a free one            (default 0)
  --report-interval MS    time between two reports on a push socket            (default as the real host)
  --data-dir FOLDER       where uploads go; removed at the end                 (default a temp folder)
  --material NAME[,NAME]  what is loaded, dealt out in turn over the printers  (default unknown)
  --nozzle MM[,MM]        nozzle diameters, dealt out in turn                  (default unknown)
  --seed TEXT             the same seed gives the same API keys and faults     (default random)
  --json                  one JSON object per line instead of the table
  --help                  this text

The control API lets another program be the person at the printers:
  GET  /printers                       name, URL, API key, state, bed, job of each
  POST /printers/NAME/clear-bed        also: cancel-at-panel, start-at-panel {name, content?},
                                       emergency-stop, offline, online, restart {history?: keep|lose},
                                       power-cycle {printing?: {name, content?}}, finish-print, runout,
                                       thermal-error {message?}
  POST /clear-beds                     clears the bed of every printer that does not print
  GET  /printers/NAME/starts           the machine's own book of starts; GET /starts: of all, in order
  POST /printers/NAME/faults {"fault": …}  arms a fault; GET lists them, DELETE disarms them;
                                       /faults does the same at every printer
  POST /speed  {"speed": 600}
  GET  /counts                         what must never happen, counted by the machines

Faults: refuse {calls}, slow {calls, delayMs}, lost_answer {calls}, late_start {delayMs, answer?},
  late_upload {delayMs}, lying_start, cut_upload {atByte}, delete_race, false_complete {delayMs?}.
  calls is one of start, upload, delete, cancel, read, all; delays are wall milliseconds. Each takes
  times (default 1, null without limit) and probability (default 1, drawn from the seed).

End it with Ctrl-C.
`

/** @throws UsageError */
export function parseArguments(argv: readonly string[]): CliArguments {
  const values = parse(argv)
  const neither = values.octoprint === undefined && values.moonraker === undefined
  const otherwise = neither ? 3 : 0
  return {
    help: values.help ?? false,
    octoprint: count(values.octoprint, 'octoprint', otherwise, 5000),
    moonraker: count(values.moonraker, 'moonraker', otherwise, 5000),
    speed: number(values.speed, 'speed', 1, 0.001, 100_000),
    host: values.host ?? '127.0.0.1',
    controlPort: count(values['control-port'], 'control-port', 0, 65_535),
    reportIntervalMs:
      values['report-interval'] === undefined
        ? undefined
        : number(values['report-interval'], 'report-interval', 0, 10, 3_600_000),
    dataDir: values['data-dir'],
    seed: values.seed,
    materials: list(values.material, 'material'),
    nozzlesMm: list(values.nozzle, 'nozzle').map((text) => number(text, 'nozzle', 0, 0.05, 5)),
    json: values.json ?? false,
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        octoprint: { type: 'string' },
        moonraker: { type: 'string' },
        speed: { type: 'string' },
        host: { type: 'string' },
        'control-port': { type: 'string' },
        'report-interval': { type: 'string' },
        'data-dir': { type: 'string' },
        seed: { type: 'string' },
        material: { type: 'string' },
        nozzle: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

function count(text: string | undefined, name: string, otherwise: number, high: number): number {
  const value = number(text, name, otherwise, 0, high)
  if (!Number.isInteger(value)) throw new UsageError(`--${name} must be a whole number, not ${value}`)
  return value
}

function list(text: string | undefined, name: string): string[] {
  const items = text?.split(',').map((item) => item.trim()) ?? []
  if (items.includes(''))
    throw new UsageError(`--${name} must be names with commas between them, not ${JSON.stringify(text)}`)
  return items
}

function number(text: string | undefined, name: string, otherwise: number, low: number, high: number): number {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (text.trim() !== '' && value >= low && value <= high) return value
  throw new UsageError(`--${name} must be a number from ${low} to ${high}, not ${JSON.stringify(text)}`)
}
