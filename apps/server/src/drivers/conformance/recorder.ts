import { setTimeout as sleep } from 'node:timers/promises'

import type { DriverEvent, HostReport } from '../../modules/printers/printer-driver.port.js'

type EventOf<T extends DriverEvent['type']> = Extract<DriverEvent, { type: T }>

/** Keeps what a driver told, in its order, and waits for what it shall tell. */
export class Recorder {
  readonly events: DriverEvent[] = []
  #wake: () => void = () => undefined

  readonly onEvent = (event: DriverEvent): void => {
    this.events.push(event)
    this.#wake()
  }

  all<T extends DriverEvent['type']>(type: T): EventOf<T>[] {
    return this.events.filter((event): event is EventOf<T> => event.type === type)
  }

  get reports(): HostReport[] {
    return this.all('report').map(({ report }) => report)
  }

  /** The first event from `since` on that fits; also one that came before the call. */
  async event<T extends DriverEvent['type']>(
    type: T,
    fits: (event: EventOf<T>) => boolean,
    waitMs: number,
    since = 0,
  ): Promise<EventOf<T>> {
    const deadline = performance.now() + waitMs
    for (;;) {
      const found = this.events
        .slice(since)
        .find((event): event is EventOf<T> => event.type === type && fits(event as EventOf<T>))
      if (found !== undefined) return found
      const left = deadline - performance.now()
      if (left <= 0) throw new Error(`no such ${type} within ${waitMs} ms; got ${this.#summary(since)}`)
      await Promise.race([
        new Promise<void>((resolve) => (this.#wake = resolve)),
        sleep(left, undefined, { ref: false }),
      ])
    }
  }

  async report(fits: (report: HostReport) => boolean, waitMs: number, since = 0): Promise<HostReport> {
    return (await this.event('report', ({ report }) => fits(report), waitMs, since)).report
  }

  #summary(since: number): string {
    const told = this.events.slice(since).map((event) => {
      if (event.type !== 'report') return event.type
      const { state, job } = event.report
      return `${state} ${job?.progress ?? '-'}`
    })
    return told.length === 0 ? 'nothing' : told.slice(-20).join(', ')
  }
}
