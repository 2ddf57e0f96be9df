import { z } from 'zod'

import { DriverError, type StartAnswer } from '../../modules/printers/printer-driver.port.js'

import { toDriverError } from './driver-errors.js'
import { heaterCommand } from './heaters.js'
import { isActive, klippyState, type PendingOrder } from './mapper.js'
import { RpcError } from './rpc-error.js'
import type { MoonrakerSession } from './session.js'
import type { RpcSocket } from './socket.js'
import { readStatus, type PrinterView } from './status.js'

/**
 * Klipper answers an order only after the command that it executes, which takes minutes while it heats. An order that
 * was not refused within this time counts as accepted; the state shows when it is carried out.
 */
const REFUSAL_WAIT_MS = 3000
/** No deadline of ours for calls that wait for Klipper; the caller's signal ends them. */
const AS_LONG_AS_IT_TAKES_MS = 3_600_000

const anything = z.unknown()

export class Orders {
  readonly #socket: RpcSocket
  readonly #session: MoonrakerSession
  /** Ends with the connection: an order that was accepted outlives its caller. */
  readonly #lifetime: AbortSignal

  constructor(socket: RpcSocket, session: MoonrakerSession, lifetime: AbortSignal) {
    this.#socket = socket
    this.#session = session
    this.#lifetime = lifetime
  }

  /** Klipper replaces a paused print without a word, so the printer is looked at first. */
  async start(filename: string, signal: AbortSignal): Promise<StartAnswer> {
    try {
      const refusal = await this.#reasonNotToStart(filename, signal)
      if (refusal !== null) return refusal
      await this.#socket.call('printer.print.start', { filename }, anything, {
        signal,
        timeoutMs: AS_LONG_AS_IT_TAKES_MS,
      })
      return { kind: 'sent' }
    } catch (error) {
      const isRefusal = error instanceof RpcError && provesNoStart(error)
      return { kind: isRefusal ? 'rejected' : 'unknown', error: toDriverError(error) }
    }
  }

  pause(remotePath: string | null, signal: AbortSignal): Promise<void> {
    return this.#interrupt('pause', remotePath, signal)
  }

  cancel(remotePath: string | null, signal: AbortSignal): Promise<void> {
    return this.#interrupt('cancel', remotePath, signal)
  }

  async resume(remotePath: string | null, signal: AbortSignal): Promise<void> {
    const printer = await this.#activePrinter('resume', remotePath, signal)
    if (printer.printStats.state === 'paused') await this.#send('resume', signal)
  }

  async emergencyStop(signal: AbortSignal): Promise<void> {
    await this.#socket.call('printer.emergency_stop', {}, anything, { signal })
  }

  async setTemperature(heater: string, celsius: number, signal: AbortSignal): Promise<void> {
    const script = this.#session.isKnownHeater(heater) ? heaterCommand(heater, celsius) : null
    if (script === null) throw new DriverError('unsupported', `Klipper has no heater ${JSON.stringify(heater)} to set`)
    if (!(celsius >= 0 && celsius <= HOTTEST_CELSIUS)) {
      throw new DriverError('rejected', `the target must be between 0 and ${HOTTEST_CELSIUS} °C`)
    }
    const printer = await this.#readyPrinter(signal)
    if (printer.isActive) throw new DriverError('busy', 'no g-code is sent to a printer that prints')
    await this.#socket.call('printer.gcode.script', { script }, anything, { signal })
  }

  async #interrupt(order: PendingOrder, remotePath: string | null, signal: AbortSignal): Promise<void> {
    const printer = await this.#activePrinter(order, remotePath, signal)
    if (order === 'pause' && printer.printStats.state === 'paused') return
    // A second order would wait behind the first and might hit the next job.
    if (this.#session.pending.current === order) return
    this.#session.pending.set(order)
    this.#session.orderChanged()
    try {
      await this.#send(order, signal)
    } catch (error) {
      this.#session.pending.clear()
      this.#session.orderChanged()
      throw error
    }
  }

  async #send(order: PendingOrder | 'resume', signal: AbortSignal): Promise<void> {
    // The order outlives its caller; it is not sent for one that is over already.
    if (signal.aborted) throw new DriverError('aborted', 'given up before the order was sent')
    const deadline = { signal: this.#lifetime, timeoutMs: AS_LONG_AS_IT_TAKES_MS }
    const reply = this.#socket.call(`printer.print.${order}`, {}, anything, deadline)
    const waiting = timer(REFUSAL_WAIT_MS, signal)
    try {
      if ((await Promise.race([reply.then(() => 'answered' as const), waiting.over])) === 'answered') return
    } finally {
      waiting.stop()
    }
    reply.catch((error: unknown) => this.#refusedLate(order, error))
  }

  #refusedLate(order: PendingOrder | 'resume', error: unknown): void {
    if (!(error instanceof RpcError)) return
    this.#session.pending.clear()
    this.#session.note(`The host did not ${order}: ${error.message}`)
  }

  async #reasonNotToStart(filename: string, signal: AbortSignal): Promise<StartAnswer | null> {
    const { klippy, status } = await this.#session.readPrinter(signal)
    const printer = readStatus(status)
    const host = klippyState(klippy, printer)
    if (host !== 'ready') {
      const text = printer.webhooks.state_message ?? `Klippy is ${host}`
      return { kind: 'rejected', error: new DriverError('not_connected', text) }
    }
    if (!isActive(klippy, printer)) return null
    const own = printer.printStats.filename === filename
    const error = new DriverError('busy', own ? 'this file is printed already' : 'the host prints another file')
    return { kind: own ? 'unknown' : 'rejected', error }
  }

  async #readyPrinter(signal: AbortSignal): Promise<PrinterView & { isActive: boolean }> {
    const { klippy, status } = await this.#session.readPrinter(signal)
    const printer = readStatus(status)
    const host = klippyState(klippy, printer)
    if (host === 'ready') return { ...printer, isActive: isActive(klippy, printer) }
    throw new DriverError('not_connected', printer.webhooks.state_message ?? `Klippy is ${host}`)
  }

  async #activePrinter(order: string, remotePath: string | null, signal: AbortSignal): Promise<PrinterView> {
    const printer = await this.#readyPrinter(signal)
    const { state, filename } = printer.printStats
    if (!printer.isActive)
      throw new DriverError('rejected', `there is no print to ${order}: the host is ${state ?? 'idle'}`)
    if (remotePath !== null && filename !== remotePath) {
      throw new DriverError('busy', `the host prints another file: ${filename ?? 'one without a name'}`)
    }
    return printer
  }
}

/** The hottest that any heater is made for; a higher number is a mistake. */
const HOTTEST_CELSIUS = 500

/**
 * Whether Klipper's or Moonraker's own words prove that `SDCARD_PRINT_FILE` did nothing. "Klippy Disconnected" does
 * not: the reply was lost, not the order. A macro of the same name may fail after it started the file.
 */
function provesNoStart({ code, message }: RpcError): boolean {
  if (code === 503) return message === 'Klippy Host not connected'
  return code === 400 && /^(SD busy|Unable to open file|Unable to get file list)/.test(message)
}

function timer(milliseconds: number, signal: AbortSignal): { over: Promise<'over'>; stop(): void } {
  let stop = (): void => undefined
  const over = new Promise<'over'>((resolve, reject) => {
    const timeout = setTimeout(() => resolve('over'), milliseconds)
    const abort = () => reject(new DriverError('aborted', 'given up before the host answered'))
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort, { once: true })
    stop = () => {
      clearTimeout(timeout)
      signal.removeEventListener('abort', abort)
    }
  })
  return { over, stop }
}
