import { z } from 'zod'

import { hostText as text } from '../host-values.js'

/**
 * OctoPrint's messages as far as we read them, for 1.4 to 2.0. Tolerant on purpose: unknown fields are dropped, a
 * missing flag is false, a value of the wrong type is unknown. Texts are cut, lists are bounded.
 */
const optionalText = text.nullable().catch(null)
const optionalNumber = z.number().nullable().catch(null)
const flag = z.boolean().catch(false)

/** `GET /api/version` */
export const versionMessage = z.object({ text })

/** Every refusal of the API. A page that a proxy made up does not look like this. */
export const errorMessage = z.object({ error: text })

/** `POST /api/login` */
export const loginMessage = z.object({
  name: text,
  session: text,
  groups: z.array(z.string()).max(1000).catch([]),
})

/** `GET /api/currentuser` */
export const currentUserMessage = z.object({ permissions: z.array(z.string()).max(10_000) })

const stateMessage = z.object({
  text: text.catch(''),
  error: text.catch(''),
  flags: z.object({
    operational: flag,
    ready: flag,
    printing: flag,
    pausing: flag,
    paused: flag,
    resuming: flag,
    finishing: flag,
    cancelling: flag,
    error: flag,
    closedOrError: flag,
  }),
})
export type StateMessage = z.infer<typeof stateMessage>

const heater = z.object({ actual: optionalNumber, target: optionalNumber })
export type HeaterMessage = z.infer<typeof heater>

const MAX_HEATERS = 32

/** Heaters by name; whatever else stands between them (`time`, plugins' additions) is dropped. */
const temperatures = z
  .record(z.string(), z.unknown())
  .catch({})
  .transform((entries) => {
    const heaters = Object.entries(entries)
      .slice(0, MAX_HEATERS)
      .flatMap(([name, value]): [string, HeaterMessage][] => {
        const parsed = heater.safeParse(value)
        return parsed.success ? [[text.parse(name).slice(0, 100), parsed.data]] : []
      })
    return Object.fromEntries(heaters)
  })
export type TemperatureMessage = z.infer<typeof temperatures>

/** `GET /api/printer` */
export const printerMessage = z.object({ state: stateMessage, temperature: temperatures })

const jobFile = z.object({ path: optionalText, origin: optionalText })
const job = z
  .object({ file: jobFile.catch({ path: null, origin: null }) })
  .catch({ file: { path: null, origin: null } })
const progress = z
  .object({ completion: optionalNumber, printTime: optionalNumber, printTimeLeft: optionalNumber })
  .catch({ completion: null, printTime: null, printTimeLeft: null })

/** `GET /api/job`; `state` is the text alone, `error` is there in a state of error only. */
export const jobMessage = z.object({ job, progress, state: text.catch(''), error: text.catch('') })
export type JobMessage = z.infer<typeof jobMessage>

/** A frame of the push channel with the printer's state: the value of `history` or `current`. */
const statusPayload = z.object({
  state: stateMessage,
  job,
  progress,
  temps: z.array(temperatures).max(100_000).catch([]),
})
export type StatusPayload = z.infer<typeof statusPayload>

const eventPayload = z.object({
  type: text,
  payload: z
    .object({
      path: optionalText,
      origin: optionalText,
      time: optionalNumber,
      reason: optionalText,
      error: optionalText,
      state_id: optionalText,
    })
    .nullable()
    .catch(null),
})
export type EventPayload = z.infer<typeof eventPayload>

/** One frame of the push channel: an object with one key. Kinds that we do not read parse to no key at all. */
export const frameMessage = z.object({
  reauthRequired: z.object({ reason: optionalText }).optional().catch(undefined),
  history: statusPayload.optional().catch(undefined),
  current: statusPayload.optional().catch(undefined),
  event: eventPayload.optional().catch(undefined),
})

/** `POST /api/files/local` */
export const uploadMessage = z.object({ files: z.object({ local: z.object({ path: text }) }) })

const lastPrint = z.object({ date: optionalNumber, printTime: optionalNumber, success: z.boolean() })

/** `GET /api/files/local/<path>`, and an entry of a listing; `prints` is missing until the file was printed once. */
export const fileMessage = z.object({
  path: text,
  type: optionalText,
  size: optionalNumber,
  date: optionalNumber,
  prints: z
    .object({ last: lastPrint.optional().catch(undefined) })
    .optional()
    .catch(undefined),
  children: z.array(z.unknown()).optional().catch(undefined),
})
export type FileMessage = z.infer<typeof fileMessage>

/** `GET /api/files/local` */
export const listingMessage = z.object({ files: z.array(z.unknown()) })
