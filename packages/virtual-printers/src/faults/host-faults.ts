import type { PrintJob, VirtualMachine } from '../machine/machine.types.js'
import type { HostCall, HostReply } from '../net/host-server.types.js'
import { Delays } from './delays.js'
import { FaultBook } from './fault-book.js'
import type { ArmedFault, Fault, FaultOrder, HostDialect, PrinterFaults } from './fault.types.js'
import { readFault } from './read-fault.js'

/** A delete waits no longer for the start that it races. */
const RACE_MS = 3_000

type Answer = Promise<HostReply | null>
type Next = (call: HostCall) => Answer
type Of<N extends Fault['fault']> = Extract<Fault, { fault: N }>

/** Faults between the network and one host: every call passes here, and every print begins here. */
export class HostFaults implements PrinterFaults {
  readonly #book: FaultBook
  /** Of what the host has taken and not yet done. */
  readonly #delays = new Delays()
  /** Of what happens in the machine. */
  readonly #machineDelays = new Delays()
  readonly #awaitingStart = new Set<(name: string) => void>()

  constructor(
    private readonly machine: VirtualMachine,
    private readonly dialect: HostDialect,
    seed: string,
  ) {
    this.#book = new FaultBook(`${seed}:${machine.name}`)
    machine.on('printStarted', (job) => this.#onPrint(job))
  }

  /** True when no call needs to be looked at. */
  get idle(): boolean {
    return this.#book.idle
  }

  arm(order: FaultOrder): ArmedFault {
    return this.#book.add(readFault(order))
  }

  list(): readonly ArmedFault[] {
    return this.#book.list()
  }

  disarm(): number {
    return this.#book.clear()
  }

  /** The host's process ends, and with it everything that it had taken but not yet done. */
  forgetDelayed(): void {
    this.#delays.giveUp()
  }

  /** The printer is taken away for good. */
  stop(): void {
    this.#delays.giveUp()
    this.#machineDelays.giveUp()
  }

  /** Faults that only delay let the next one strike as well; the first of the others decides. `null`: no answer. */
  async pass(call: HostCall, next: Next): Answer {
    const { kind, file } = this.dialect.classify(call)
    for (const fault of this.#book.striking(kind)) {
      switch (fault.fault) {
        case 'slow':
          if (!(await this.#delays.wait(fault.delayMs))) return null
          break
        case 'delete_race':
          if (!(await this.#startOf(file))) return null
          break
        case 'refuse':
          // Each host words its own failures.
          throw new Error('Internal Server Error')
        case 'lost_answer':
          // Done or refused: nobody hears of it.
          await next(call).catch(() => null)
          return null
        case 'lying_start':
          return this.dialect.startAccepted(call)
        case 'late_start':
          return this.#late(call, next, fault)
        case 'late_upload':
          return this.#lateUpload(call, next, fault)
        case 'cut_upload':
          return this.#cut(call, fault)
        case 'false_complete':
          break
      }
    }
    return next(call)
  }

  async #late(call: HostCall, next: Next, { delayMs, answer }: Of<'late_start'>): Answer {
    const landed = this.#land(delayMs, () => next(call))
    if (answer === 'hanging') await landed
    return null
  }

  /** Whoever asked has gone: an answer or a refusal reaches nobody. */
  async #land(delayMs: number, act: () => Answer): Promise<void> {
    if (await this.#delays.wait(delayMs)) await act().catch(() => null)
  }

  /** A form that the host refuses before it has all of it is answered as ever. */
  #lateUpload(call: HostCall, next: Next, { delayMs }: Of<'late_upload'>): Answer {
    return new Promise((resolve, reject) => {
      const onReceived = async (): Promise<void> => {
        resolve(null)
        if (!(await this.#delays.wait(delayMs))) throw new Error('the host ended before it named the upload')
      }
      next({ ...call, onReceived }).then(resolve, reject)
    })
  }

  async #cut({ request }: HostCall, { atByte }: Of<'cut_upload'>): Answer {
    let received = 0
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        received += chunk.byteLength
        if (received >= atByte) break
      }
    } catch {
      // The sender was faster in breaking off.
    }
    return null
  }

  /** False when the host ended meanwhile. */
  async #startOf(file: string | null): Promise<boolean> {
    if (file === null || this.machine.job?.name === file) return true
    let onStart: (name: string) => void = () => undefined
    const started = new Promise<boolean>((resolve) => {
      onStart = (name) => {
        if (name === file) resolve(true)
      }
      this.#awaitingStart.add(onStart)
    })
    const goesOn = await Promise.race([started, this.#delays.wait(RACE_MS)])
    this.#awaitingStart.delete(onStart)
    return goesOn
  }

  #onPrint(job: PrintJob): void {
    for (const tell of this.#awaitingStart) tell(job.name)
    for (const fault of this.#book.striking('print')) {
      if (fault.fault === 'false_complete') void this.#endFalsely(job, fault.delayMs)
      return
    }
  }

  /** Only the print that was struck: another one may run by then. */
  async #endFalsely({ name, startedAtMs }: PrintJob, delayMs: number): Promise<void> {
    if (!(await this.#machineDelays.wait(delayMs))) return
    const running = this.machine.job
    if (running?.name === name && running.startedAtMs === startedAtMs) this.machine.finishPrint()
  }
}
