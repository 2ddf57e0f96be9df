import type { JobDefinition, JobHandler } from '../kernel/jobs.js'

/** Which handler does which job: exactly one for each definition. */
export type HandlerTable = ReadonlyMap<string, JobHandler>

const twice = (types: readonly string[]) => types.filter((type, index) => types.indexOf(type) !== index)

const complain = (what: string, types: readonly string[]) =>
  types.length === 0 ? [] : [`${what}: ${types.join(', ')}`]

/**
 * Joins what may be ordered with what is able to do it.
 * @throws Error that names every job type with no handler, more than one, or no definition
 */
export const createHandlerTable = (
  definitions: readonly JobDefinition[],
  handlers: readonly JobHandler[],
): HandlerTable => {
  const defined = definitions.map(({ type }) => type)
  const handled = handlers.map(({ definition }) => definition.type)
  const problems = [
    ...complain('defined twice', twice(defined)),
    ...complain('handled twice', twice(handled)),
    ...complain(
      'without a handler',
      defined.filter((type) => !handled.includes(type)),
    ),
    ...complain(
      'handled but not defined',
      handled.filter((type) => !defined.includes(type)),
    ),
  ]
  if (problems.length > 0) throw new Error(`job types ${problems.join('; ')}`)
  return new Map(handlers.map((handler) => [handler.definition.type, handler]))
}
