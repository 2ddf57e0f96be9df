import type { UserRole } from '@gantry/schemas'

import type { Random } from '../../src/kernel/random.js'
import { query } from '../printers-list-load.js'
import { callJson, type Visitor } from './api.js'
import type { Order } from './drive.js'

/** What a farm has that can be asked for by name. */
export interface Known {
  printers: readonly { id: string; name: string }[]
  jobIds: readonly string[]
  fileIds: readonly string[]
  /** Where the second page of jobs begins; null where there is none. */
  nextJobs: string | null
}

/**
 * `farm`: jobs are ordered and printers changed. `projects`: the one thing that may be made in a running farm, since a
 * job would be printed there and a changed printer connects anew.
 */
export type Writes = 'farm' | 'projects' | 'none'

export interface Kind {
  name: string
  /** How many of a hundred requests, more or less. */
  weight: number
  /** Who may ask it at least. */
  role: UserRole
  order: (random: Random) => Pick<Order, 'method' | 'path' | 'body'>
}

/** Asks the server what there is. */
export const lookAround = async (url: string, { token }: Visitor): Promise<Known> => {
  const page = async (path: string) =>
    (await callJson(url, token, 'GET', path)) as { items: { id: string; name: string }[]; nextCursor: string | null }
  const [printers, jobs, files] = [
    await page('/api/printers?limit=100'),
    await page('/api/print-jobs?limit=50'),
    await page('/api/files?limit=50'),
  ]
  const idsOf = ({ items }: typeof jobs) => items.map(({ id }) => id)
  return { printers: printers.items, jobIds: idsOf(jobs), fileIds: idsOf(files), nextJobs: jobs.nextCursor }
}

const get = (path: string): ReturnType<Kind['order']> => ({ method: 'GET', path, body: null })
const reads = (name: string, weight: number, path: string): Kind => ({
  ...{ name, weight, role: 'viewer' },
  order: () => get(path),
})

/** What a dashboard asks for at once: the SDK sends its queries together. */
const DASHBOARD = (() => {
  const calls = { 'printers.list': { limit: 100 }, 'printJobs.list': { order: 'queue' }, 'alarms.list': {} }
  const inputs = Object.fromEntries(Object.values(calls).map((json, n) => [n, { json }]))
  return `/trpc/${Object.keys(calls).join(',')}?batch=1&input=${encodeURIComponent(JSON.stringify(inputs))}`
})()

const LISTS: readonly Kind[] = [
  reads('dashboard (batch of three lists)', 20, DASHBOARD),
  reads('printers.list', 15, query('printers.list', { limit: 100 })),
  reads('printJobs.list', 12, query('printJobs.list', {})),
  reads('printJobs.list, the queue', 8, query('printJobs.list', { order: 'queue' })),
  reads('files.list', 8, query('files.list', {})),
  reads('projects.list', 7, query('projects.list', {})),
  reads('alarms.list', 6, query('alarms.list', {})),
  reads('auth.me', 5, query('auth.me')),
  reads('GET /api/printers', 4, '/api/printers'),
  reads('GET /api/print-jobs', 2, '/api/print-jobs?limit=20'),
]

const oneOf = <T>(items: readonly T[], random: Random): T => {
  const item = items[Math.floor(random() * items.length)]
  if (item === undefined) throw new Error('there is nothing to choose from')
  return item
}

const post = (procedure: string, input: object): ReturnType<Kind['order']> => ({
  ...{ method: 'POST', path: `/trpc/${procedure}` },
  body: JSON.stringify({ json: input }),
})

const writesTo = ({ fileIds, printers }: Known): Kind[] => {
  const submit: Kind = {
    ...{ name: 'printJobs.submit', weight: 2, role: 'operator' },
    order: (random) => post('printJobs.submit', { source: { fileId: oneOf(fileIds, random), copies: 1 } }),
  }
  const update: Kind = {
    ...{ name: 'PATCH /api/printers/{id}', weight: 1, role: 'admin' },
    order: (random) => {
      const { id, name } = oneOf(printers, random)
      return { method: 'PATCH', path: `/api/printers/${id}`, body: JSON.stringify({ name }) }
    },
  }
  return [submit, update]
}

const NEW_PROJECT: Kind = {
  ...{ name: 'projects.create', weight: 3, role: 'operator' },
  order: () => post('projects.create', { name: 'Load test' }),
}

/** What dashboards and scripts ask of a farm; kinds for which it has nothing yet are left out. */
export const mixOf = (known: Known, writes: Writes): Kind[] => {
  const { nextJobs, jobIds } = known
  const input = { cursor: nextJobs }
  const next = nextJobs === null ? [] : [reads('printJobs.list, second page', 4, query('printJobs.list', input))]
  const one: Kind = {
    ...{ name: 'printJobs.get', weight: 6, role: 'viewer' },
    order: (random) => get(query('printJobs.get', { id: oneOf(jobIds, random) })),
  }
  const changes = { farm: () => writesTo(known), projects: () => [NEW_PROJECT], none: () => [] }
  return [...LISTS, ...next, ...(jobIds.length === 0 ? [] : [one]), ...changes[writes]()]
}

const RANKS: Record<UserRole, number> = { viewer: 0, operator: 1, admin: 2 }

/** Numbers that come again in the same order for the same seed (mulberry32). */
const seeded = (seed: number): Random => {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const shuffled = <T>(items: readonly T[], random: Random): T[] =>
  items
    .map((item) => ({ item, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item)

/**
 * What is asked next, kinds by their weight and each by anybody who may: the same requests in the same order for every
 * server that is compared.
 */
export const ordersOf = (mix: readonly Kind[]): ((visitors: readonly Visitor[]) => Order) => {
  const random = seeded(20_261_127)
  const cards = mix.flatMap((kind) => Array<Kind>(kind.weight).fill(kind))
  const deck = shuffled(cards, random)
  let drawn = 0
  return (visitors) => {
    const kind = deck[drawn % deck.length]
    if (kind === undefined) throw new Error('the mix is empty')
    drawn += 1
    const allowed = visitors.filter(({ role }) => RANKS[role] >= RANKS[kind.role])
    return { kind: kind.name, ...kind.order(random), token: oneOf(allowed, random).token }
  }
}
