import { GantryError } from '../kernel/errors.js'
import type { Exchange } from './exchange.js'

export type PathParams = Readonly<Record<string, string>>

export interface Route {
  /** `*`: the handler looks at the method itself. */
  method: string
  /** Segments; `{name}` takes one, a last `*` takes the rest. */
  pattern: string
  /**
   * `guarded`: the actor is found out and the rate limit counts. `open`: neither, since the route must answer when both
   * fail, or sees to it itself.
   */
  access: 'guarded' | 'open'
  /** `old`: those that were there before Gantry, who send neither our header nor our cookie. @default ours */
  clients?: 'old'
  /** Notes on the exchange what the questions below, the log and the metrics need. */
  prepare?: (exchange: Exchange) => void
  /** Whether this request is a stream or a file transfer, which has no deadline. @default no */
  isLong?: (exchange: Exchange) => boolean
  /** How many calls the request is for the rate limit. @default 1 */
  cost?: (exchange: Exchange) => number
  /** Answers with what is known already, and sends `exchange.head` with it; else it is handled. @returns whether it did */
  shortcut?: (exchange: Exchange) => Promise<boolean>
  handle: (exchange: Exchange, params: PathParams) => void | Promise<void>
  /** How this route's clients expect errors. @default `{ error: ErrorBody }` */
  sendError?: (exchange: Exchange, error: GantryError) => void
}

interface Segment {
  /** What stands there; of a parameter, its name. */
  text: string
  isParam: boolean
}

interface Compiled {
  route: Route
  segments: readonly Segment[]
  /** Whether it takes the rest of the path. */
  isPrefix: boolean
}

export interface Match {
  route: Route
  params: PathParams
}

const paramName = (segment: string): string | null => /^\{(\w+)\}$/.exec(segment)?.[1] ?? null

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw new GantryError('VALIDATION_FAILED', { params: { detail: 'the path is not percent-encoded UTF-8' }, cause })
  }
}

const NO_PARAMS: PathParams = {}

const matchSegments = ({ segments, isPrefix }: Compiled, path: readonly string[]): PathParams | null => {
  if (isPrefix ? path.length <= segments.length : path.length !== segments.length) return null
  let params: Record<string, string> | null = null
  for (let index = 0; index < segments.length; index += 1) {
    const { text, isParam } = segments[index] as Segment
    if (isParam) (params ??= {})[text] = path[index] ?? ''
    else if (text !== path[index]) return null
  }
  return params ?? NO_PARAMS
}

/** Sorts fixed segments before parameters, and those before the rest of a path. */
const rankOf = ({ segments, isPrefix }: Compiled): string =>
  segments.map(({ isParam }) => (isParam ? 1 : 0)).join('') + (isPrefix ? '2' : '')

const compiled = (route: Route): Compiled => {
  const texts = route.pattern.split('/')
  const isPrefix = texts.at(-1) === '*'
  const segments = (isPrefix ? texts.slice(0, -1) : texts).map((text): Segment => {
    const name = paramName(text)
    return { text: name ?? text, isParam: name !== null }
  })
  return { route, segments, isPrefix }
}

/** The most specific route that fits is taken. `HEAD` is `GET` whose body node:http leaves out. */
export class RouteTable {
  private readonly routes: readonly Compiled[]

  constructor(routes: readonly Route[]) {
    this.routes = routes.map(compiled).sort((a, b) => rankOf(a).localeCompare(rankOf(b)))
  }

  /** @throws GantryError `NOT_FOUND`, `METHOD_NOT_ALLOWED { allowed }`, or `VALIDATION_FAILED` for a broken path */
  find(method: string, path: string): Match {
    const segments = path.split('/')
    const allowed: string[] = []
    const wantedMethod = method === 'HEAD' ? 'GET' : method
    for (const candidate of this.routes) {
      const params = matchSegments(candidate, segments)
      if (params === null) continue
      const { route } = candidate
      if (route.method === wantedMethod || route.method === '*') return { route, params: decodedParams(params) }
      allowed.push(route.method)
    }
    if (allowed.length > 0) throw new GantryError('METHOD_NOT_ALLOWED', { params: { allowed } })
    throw new GantryError('NOT_FOUND', { params: { resource: 'route' } })
  }
}

const decodedParams = (params: PathParams): PathParams =>
  params === NO_PARAMS
    ? params
    : Object.fromEntries(Object.entries(params).map(([name, text]) => [name, decoded(text)]))
