import type { DriverTarget, PrinterDriver } from '../../modules/printers/printer-driver.port.js'

/** What a host under test may be unable to do in a test; the tests that need it are then skipped by name. */
export type ConformanceFeature =
  /** The `quick` sample ends by itself within {@link ConformancePace.finishMs}. */
  | 'finishQuickly'
  /** The `heating` sample keeps the host waiting for a temperature for some seconds. */
  | 'heatSlowly'
  /** The host (or its driver) refuses to upload over an existing name. */
  | 'keepExistingNames'
  /** The host demands a key, and {@link HostUnderTest.wrongKey} is not it. */
  | 'demandKey'
  /** {@link HostUnderTest.recover} brings the printer back after an emergency stop. */
  | 'recover'
  /** The host tells how a cancelled print ended after the fact, not only while it is watched. */
  | 'rememberCancels'

/** How long the suite waits on this host; the defaults suit hosts whose machines run in real time. */
export interface ConformancePace {
  /** For the answer to an order to show in events and reports. @default 15_000 */
  reactMs: number
  /** For the `quick` sample to end. @default 60_000 */
  finishMs: number
}

/**
 * One host, started for one run of the suite. The suite puts its own fault-injecting proxy in front of `target`, so a
 * harness need not be able to make the host misbehave.
 */
export interface HostUnderTest {
  /** Must accept loopback addresses, and should use short liveness times. */
  driver: PrinterDriver
  /** The host itself, with a key that may do everything. */
  target: DriverTarget
  /** A key that the host refuses. */
  wrongKey: string | null
  /** The host's names of its heaters; `bed` is null where there is none. */
  heaters: { tool: string; bed: string | null }
  /** G-code texts. `long` runs for at least a minute, with progress that visibly grows within seconds. */
  samples: { quick: string; long: string; heating: string }
  /** Takes the printed part off the bed, where the host counts such things. */
  clearBed?(): Promise<void> | void
  /** Makes the printer ready again after an emergency stop. */
  recover?(): Promise<void>
  stop(): Promise<void>
}

export interface ConformanceHarness {
  /** What this host cannot do. @default [] */
  skip?: readonly ConformanceFeature[]
  pace?: Partial<ConformancePace>
  /** Called once for the whole suite; every test leaves the host idle, with its own files deleted. */
  start(): Promise<HostUnderTest>
}

/** G-code of many short moves: about a minute on a real machine, and as many lines as asked for. */
export const movesSample = (lines: number, millimetresPerMinute = 3000): string => {
  const moves = ['; generated for the driver conformance suite', 'G21', 'G90', 'M82', 'G92 E0', 'G1 Z0.2 F3000']
  for (let line = 0; line < lines; line++) {
    const x = line % 2 === 0 ? 10 : 60
    const y = 10 + (line % 100)
    moves.push(`G1 X${x} Y${y} E${((line + 1) * 0.05).toFixed(3)} F${millimetresPerMinute}`)
  }
  return `${moves.join('\n')}\nM400\n`
}

/** G-code that heats the nozzle, waits for it, and then moves a little. */
export const heatingSample = (celsius: number): string =>
  `M104 S${celsius}\nM109 S${celsius}\n${movesSample(50)}M104 S0\n`
