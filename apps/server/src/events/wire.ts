import superjson from 'superjson'
import { z } from 'zod'

/** The channel of all notices. One is enough: every process listens to everything. */
export const CHANNEL = 'gantry'

/** PostgreSQL refuses payloads of 8000 bytes. */
export const MAX_NOTICE_BYTES = 7_000

/** One value of telemetry on its way: its key and what superjson made of it. */
const telemetryEntry = z.tuple([z.string(), z.looseObject({})])
export type TelemetryEntry = z.infer<typeof telemetryEntry>

/** Since 2026-11: a process of an older version does not say who wrote. */
const actorIds = z.array(z.string()).readonly().default([])

/** What processes tell each other; `from` is the sender, who ignores its own. */
const notice = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('commit'), from: z.string(), events: z.boolean(), jobs: z.boolean(), actorIds }),
  z.object({ kind: z.literal('wake'), from: z.string(), topics: z.array(z.string()) }),
  z.object({
    kind: z.literal('telemetry'),
    from: z.string(),
    topic: z.string(),
    entries: z.array(telemetryEntry),
  }),
])
export type Notice = z.infer<typeof notice>

export const encodeNotice = (value: Notice): string => JSON.stringify(value)

/** @returns null for anything that is no notice, such as one of a newer version */
export const decodeNotice = (payload: string): Notice | null => {
  try {
    return notice.parse(JSON.parse(payload))
  } catch {
    return null
  }
}

/** Dates and the like survive the way. */
export const encodeValue = (value: unknown): TelemetryEntry[1] => ({ ...superjson.serialize(value) })

export const decodeValue = (encoded: TelemetryEntry[1]): unknown =>
  superjson.deserialize(encoded as unknown as Parameters<typeof superjson.deserialize>[0])
