import { FAULT_CALLS, FaultError, SILENCES, type FaultName, type FaultPlan } from './fault.types.js'

/** No fault holds anything longer. */
const MAX_DELAY_MS = 600_000
const MAX_BYTE = 1024 ** 3
const MAX_TIMES = 1_000_000
/** A print that ends falsely does so soon after its start. */
const FALSE_COMPLETE_MS = 500

interface Parameter {
  /** Taken when the order does not name it; without one it has to be there. */
  readonly otherwise?: unknown
  readonly expected: string
  readonly accepts: (value: unknown) => boolean
}

const oneOf = (words: readonly string[], otherwise?: string): Parameter => ({
  ...(otherwise === undefined ? {} : { otherwise }),
  expected: `one of ${words.join(', ')}`,
  accepts: (value) => typeof value === 'string' && words.includes(value),
})

const integer = (low: number, high: number, otherwise?: number): Parameter => ({
  ...(otherwise === undefined ? {} : { otherwise }),
  expected: `a whole number from ${low} to ${high}`,
  accepts: (value) => typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high,
})

const calls = oneOf(FAULT_CALLS)
const delayMs = integer(0, MAX_DELAY_MS)

const PARAMETERS: Readonly<Record<FaultName, Readonly<Record<string, Parameter>>>> = {
  refuse: { calls },
  slow: { calls, delayMs },
  lost_answer: { calls },
  late_start: { delayMs, answer: oneOf(SILENCES, 'dropped') },
  late_upload: { delayMs },
  lying_start: {},
  cut_upload: { atByte: integer(0, MAX_BYTE) },
  delete_race: {},
  false_complete: { delayMs: integer(0, MAX_DELAY_MS, FALSE_COMPLETE_MS) },
}

const FREQUENCY: Readonly<Record<string, Parameter>> = {
  times: {
    otherwise: 1,
    expected: `a whole number from 1 to ${MAX_TIMES}, or null for no limit`,
    accepts: (value) => value === null || integer(1, MAX_TIMES).accepts(value),
  },
  probability: {
    otherwise: 1,
    expected: 'a number from 0 to 1',
    accepts: (value) => typeof value === 'number' && value >= 0 && value <= 1,
  },
}

/** Reads an order from wherever it comes. @throws FaultError naming the field */
export function readFault(order: object): FaultPlan {
  const given = { ...order } as Readonly<Record<string, unknown>>
  const name = given['fault']
  if (typeof name !== 'string' || !isFault(name)) {
    throw new FaultError('fault', `fault must be one of ${Object.keys(PARAMETERS).join(', ')}, not ${shown(name)}`)
  }
  const parameters = { ...PARAMETERS[name], ...FREQUENCY }
  const stranger = Object.keys(given).find((field) => field !== 'fault' && !Object.hasOwn(parameters, field))
  if (stranger !== undefined) {
    throw new FaultError(stranger, `${name} knows no ${stranger}, only ${Object.keys(parameters).join(', ')}`)
  }
  const values = Object.entries(parameters).map(([field, parameter]) => [field, read(given[field], field, parameter)])
  return { fault: name, ...Object.fromEntries(values) } as FaultPlan
}

function read(value: unknown, field: string, { accepts, expected, otherwise }: Parameter): unknown {
  const taken = value === undefined ? otherwise : value
  if (accepts(taken)) return taken
  throw new FaultError(
    field,
    `${field} must be ${expected}, ${taken === undefined ? 'and is missing' : `not ${shown(taken)}`}`,
  )
}

function isFault(name: string): name is FaultName {
  return Object.hasOwn(PARAMETERS, name)
}

/** A value as an error message shows it. */
function shown(value: unknown): string {
  return (value === undefined ? 'absent' : JSON.stringify(value)).slice(0, 100)
}
