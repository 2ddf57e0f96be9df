import { idOf, type Page, type Project } from '@gantry/schemas'

import { notFound } from '../../kernel/errors.js'
import type { Route } from '../route.js'
import { oldRoutes, type OldAnswer, type OldCall, type OldCallSources } from './old-call.js'
import { oldProject } from './views.js'

const PAGE = 200
/** Clients of old know no pages; nobody of them has so many. */
const MOST = 10_000

const isId = idOf('project')

/** @throws GantryError `NOT_FOUND` for what cannot be an id */
const idIn = ({ params: { id = '' } }: OldCall): string => {
  if (!isId.safeParse(id).success) throw notFound('project', id)
  return id
}

const list = async (call: OldCall): Promise<OldAnswer> => {
  const { query, path, res } = call.exchange
  const projects: Project[] = []
  let cursor = query.get('cursor')
  do {
    const input: object = { limit: PAGE, ...(cursor !== null && { cursor }) }
    const page = (await call.ask('projects.list', input)) as Page<Project>
    projects.push(...page.items)
    cursor = page.nextCursor
  } while (cursor !== null && projects.length < MOST)
  if (cursor !== null) res.setHeader('Link', `<${path}?cursor=${encodeURIComponent(cursor)}>; rel="next"`)
  return { status: 200, body: { projects: projects.map(oldProject) } }
}

const show = async (call: OldCall, status: number, procedure: string, input: object): Promise<OldAnswer> => ({
  ...{ status, body: oldProject((await call.ask(procedure, input)) as Project) },
})

const change = async (call: OldCall) =>
  show(call, 200, 'projects.update', { ...(await call.fields('name', 'status')), id: idIn(call) })

/** Answers with what was removed. */
const remove = async (call: OldCall): Promise<OldAnswer> => {
  const id = idIn(call)
  const shown = await show(call, 200, 'projects.get', { id })
  await call.ask('projects.remove', { id })
  return shown
}

/** `projects` and `projects/:id`. */
export const oldProjectRoutes = (sources: OldCallSources): Route[] => [
  ...oldRoutes(sources, 'GET', '/projects', list),
  ...oldRoutes(sources, 'POST', '/projects', async (call) =>
    show(call, 201, 'projects.create', await call.fields('name', 'status')),
  ),
  ...oldRoutes(sources, 'GET', '/projects/{id}', (call) => show(call, 200, 'projects.get', { id: idIn(call) })),
  ...oldRoutes(sources, 'PUT', '/projects/{id}', change),
  ...oldRoutes(sources, 'PATCH', '/projects/{id}', change),
  ...oldRoutes(sources, 'DELETE', '/projects/{id}', remove),
]
