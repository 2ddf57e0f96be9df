import type { Answer, Call } from './http-caller.js'

/** As many as one page can have; there must never be more projects. */
const LIMIT = 200

interface Listed {
  items: { name: string }[]
  nextCursor: string | null
}
interface Results {
  result: { data: { json: Listed } }
}

const written = (input: unknown): string => encodeURIComponent(JSON.stringify(input))
const ALL = { json: { limit: LIMIT } }
/** No part has been ordered of them: they are all among these. */
const TO_DO = { json: { limit: LIMIT, status: 'todo' } }

/** One way to ask for all projects, and how the lists stand in its answer. */
export interface ListCall extends Call {
  listsIn: (body: unknown) => Listed[]
}

const listIn = (body: unknown): Listed => (body as Results).result.data.json

/** All of them go through the same kept answers. */
export const LIST_CALLS: readonly ListCall[] = [
  {
    ...{ what: 'a list', method: 'GET', path: `/trpc/projects.list?input=${written(ALL)}` },
    listsIn: (body) => [listIn(body)],
  },
  {
    ...{ what: 'a batch of lists', method: 'GET' },
    path: `/trpc/projects.list,projects.list?batch=1&input=${written({ 0: ALL, 1: TO_DO })}`,
    listsIn: (body) => (body as unknown[]).map(listIn),
  },
  {
    ...{ what: 'a list by REST', method: 'GET', path: `/api/projects?limit=${LIMIT}` },
    listsIn: (body) => [body as Listed],
  },
]

/** @throws Error when the lists go on: then they could not be judged */
export const namesIn = ({ listsIn }: ListCall, { body }: Answer): string[][] =>
  listsIn(body).map(({ items, nextCursor }) => {
    if (nextCursor !== null) throw new Error('there are more projects than one list shows')
    return items.map(({ name }) => name)
  })

const mutation = (procedure: string, input: unknown): Call => ({
  ...{ what: procedure, method: 'POST', path: `/trpc/${procedure}`, body: { json: input } },
})

export const createCall = (name: string): Call => mutation('projects.create', { name })
export const renameCall = (id: string, name: string): Call => mutation('projects.update', { id, name })
export const removeCall = (id: string): Call => mutation('projects.remove', { id })
export const loginCall = (email: string, password: string): Call => mutation('auth.login', { email, password })
export const logoutCall: Call = mutation('auth.logout', undefined)
export const cacheStatsCall: Call = { what: 'system.cacheStats', method: 'GET', path: '/trpc/system.cacheStats' }
export const databaseHealthCall: Call = { ...cacheStatsCall, what: 'database', path: '/trpc/system.databaseHealth' }

/** What one call of tRPC brought. */
export const resultOf = ({ body }: Answer): unknown =>
  (body as { result: { data: { json: unknown } } }).result.data.json
