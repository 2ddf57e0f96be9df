import { z } from 'zod'

const MAX_LINES = 50
const MAX_DEPTH = 5

const earlierPayload = z.object({
  to: z.string(),
  subject: z.string(),
  template: z.string().default(''),
  data: z.unknown(),
})

interface Line {
  name: string
  value: string
}

/** What one value says, nested ones by their path: `{ a: { b: 1 } }` is `a.b: 1`. What lies too deep is an ellipsis. */
const linesOf = function* (value: unknown, path: readonly string[]): Generator<Line, void, void> {
  if (value === undefined || value === null) return
  if (typeof value !== 'object') yield lineOf(path, typeof value === 'string' ? value : JSON.stringify(value))
  else if (path.length === MAX_DEPTH) yield lineOf(path, '…')
  else for (const [key, member] of Object.entries(value)) yield* linesOf(member, [...path, key])
}

const lineOf = (path: readonly string[], text: string): Line => ({
  name: path.join('.').slice(0, 100),
  value: text.slice(0, 2_000),
})

const firstLines = (data: unknown): Line[] => {
  const lines: Line[] = []
  for (const line of linesOf(data, [])) {
    if (lines.length === MAX_LINES) break
    lines.push(line)
  }
  return lines
}

/** `ada@example.org`, also out of `Ada <ada@example.org>`. */
const addressOf = (to: string): string => (/<([^<>]*)>\s*$/.exec(to)?.[1] ?? to).trim()

/**
 * `{ to, subject, template, data }` of older producers as a `message`: its templates are not ours, so that their name
 * heads what the data say. What is none comes out as it is, and is refused by today's schema.
 */
export const fromEarlierEmail = (payload: unknown): unknown => {
  const parsed = earlierPayload.safeParse(payload)
  if (!parsed.success) return payload
  const { to, subject, template, data } = parsed.data
  const heading = template.slice(0, 200)
  const titled = subject.trim().slice(0, 200) || heading || 'Message'
  return {
    to: addressOf(to),
    content: { template: 'message', data: { subject: titled, heading, lines: firstLines(data) } },
  }
}
