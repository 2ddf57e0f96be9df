import type { GantryClient, StreamConnection, StreamEnd } from '@gantry/client'

/** One item of a live stream: where it stands in the log. */
export interface Witnessed {
  /** `<txid>-<seq>` of the event. */
  cursor: string
}

export interface WitnessedStream {
  name: 'printJobs' | 'alarms'
  /** Behind which everything must have come; null while no snapshot has. */
  from: string | null
  events: Witnessed[]
  /** Snapshots after the first: events were lost to the stream. */
  resyncs: number
  connections: number
  /** Events come now, as far as the client knows. */
  isOpen: boolean
  end: StreamEnd | null
}

/** Follows the print jobs from now on. */
export const witnessJobs = (gantry: GantryClient): { stream: WitnessedStream; stop: () => void } => {
  const stream = newStream('printJobs')
  return { stream, stop: gantry.printJobs.onChange({}, handlers(stream)) }
}

const newStream = (name: WitnessedStream['name']): WitnessedStream => ({
  ...{ name, from: null, events: [], resyncs: 0, connections: 0, isOpen: false, end: null },
})

/** Follows everything that Gantry tells live, as a client does: through all faults, with one subscription each. */
export class EventWitness {
  readonly jobs = newStream('printJobs')
  readonly alarms = newStream('alarms')
  private readonly stops: (() => void)[]

  constructor(gantry: GantryClient) {
    this.stops = [gantry.printJobs.onChange({}, handlers(this.jobs)), gantry.alarms.onChange({}, handlers(this.alarms))]
  }

  get streams(): readonly WitnessedStream[] {
    return [this.jobs, this.alarms]
  }

  get isFollowing(): boolean {
    return this.streams.every(({ from }) => from !== null)
  }

  stop(): void {
    for (const stop of this.stops) stop()
  }
}

const handlers = (stream: WitnessedStream) => ({
  onData: ({ type }: { type: 'snapshot' | 'changed' }, cursor: string | null) => {
    if (cursor === null) return
    if (type === 'changed') stream.events.push({ cursor })
    else if (stream.from === null) stream.from = cursor
    else stream.resyncs += 1
  },
  onConnection: ({ state }: StreamConnection) => {
    stream.isOpen = state === 'open'
    if (stream.isOpen) stream.connections += 1
  },
  onEnd: (end: StreamEnd) => {
    stream.end = end
  },
})
