import { z } from 'zod'

import { every, type CallOff, type Timers } from '../kernel/clock.js'
import type { Drop } from './drops.js'
import type { RareLog } from '../kernel/rare-log.js'
import type { RedisLink } from './redis-link.js'

/** What processes tell each other over Redis. */
const message = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('beat'), from: z.string(), inStep: z.boolean() }),
  z.object({
    kind: z.literal('drop'),
    from: z.string(),
    tags: z.array(z.string()),
    keys: z.array(z.string()),
    patterns: z.array(z.string()),
    all: z.boolean().default(false),
    /** Names of the events that are carried out by this. */
    marks: z.array(z.string()),
  }),
])
type Message = z.infer<typeof message>

export interface RedisLaneOptions {
  link: RedisLink
  channel: string
  /** Names this process to the others. */
  instanceId: string
  beatMs: number
  clock: Timers
  log: RareLog
  /** Whether this process owes nothing to Redis. */
  isInStep: () => boolean
  /** From here on nothing that is said is missed; before, something may have been. */
  onListening: () => void
  /** Our own word came back. */
  onOwnBeat: () => void
  /** Another process is in step with Redis. */
  onPeerInStep: () => void
  onDrop: (drop: Drop, marks: readonly string[]) => void
  onTick: () => void
}

const PINGS_EVERY_BEATS = 5

/** The fast lane: invalidations by pub/sub, and the beat that shows that the lane works. */
export class RedisLane {
  private callOff: CallOff = () => undefined
  private beats = 0

  constructor(private readonly options: RedisLaneOptions) {}

  start(): void {
    const { link, clock, beatMs } = this.options
    const { subscriber } = link
    subscriber.on('message', (_channel: string, text: string) => this.receive(text))
    subscriber.on('ready', () => this.listen())
    this.callOff = every(clock, beatMs, () => this.beat())
  }

  stop(): void {
    this.callOff()
  }

  tell(drop: Drop, marks: readonly string[]): Promise<number | undefined> {
    return this.publish({ kind: 'drop', from: this.options.instanceId, ...mutable(drop), marks: [...marks] }, 'tell')
  }

  private listen(): void {
    const { link, channel, log, onListening } = this.options
    link.subscriber.subscribe(channel).then(
      () => onListening(),
      (err: unknown) => {
        log.warn({ err }, 'Redis does not let the cache listen')
        // The next connection tries again.
        link.subscriber.disconnect(true)
      },
    )
  }

  private beat(): void {
    const { instanceId, isInStep, onTick, link } = this.options
    onTick()
    void this.publish({ kind: 'beat', from: instanceId, inStep: isInStep() }, 'beat')
    this.beats += 1
    // Something to answer, so that a dead link is noticed by its silence.
    if (this.beats % PINGS_EVERY_BEATS === 0 && link.subscriber.status === 'ready')
      link.subscriber.ping().catch(() => undefined)
  }

  private publish(said: Message, operation: string): Promise<number | undefined> {
    const { link, channel } = this.options
    return link.attempt(operation, (redis) => redis.publish(channel, JSON.stringify(said)))
  }

  private receive(text: string): void {
    const { instanceId, onOwnBeat, onPeerInStep, onDrop } = this.options
    const said = this.parsed(text)
    if (said === null) return
    const own = said.from === instanceId
    if (said.kind === 'drop') {
      if (!own) onDrop(said, said.marks)
    } else if (own) onOwnBeat()
    else if (said.inStep) onPeerInStep()
  }

  private parsed(text: string): Message | null {
    try {
      return message.parse(JSON.parse(text))
    } catch (err) {
      this.options.log.warn({ err }, 'an unreadable message came over Redis')
      return null
    }
  }
}

const mutable = ({ tags, keys, patterns, all = false }: Drop) => ({
  ...{ tags: [...tags], keys: [...keys], patterns: [...patterns], all },
})
