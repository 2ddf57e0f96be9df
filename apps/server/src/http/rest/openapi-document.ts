import type { AnyRouter } from '@trpc/server'
import { errorBody } from '@gantry/schemas'
import { z } from 'zod'

import { innerSchema } from './coerce-input.js'
import { FILE_OPERATIONS } from './file-operations.js'
import { SchemaCollector, type JsonSchema } from './json-schema.js'
import { restProceduresOf, takesBody, type RestProcedure } from './rest-procedures.js'

export interface OpenApiOptions {
  router: AnyRouter
  version: string
  /** Null: the document's own origin. */
  publicUrl: string | null
}

const errorRef = { $ref: '#/components/responses/Error' }

const pathNames = (path: string): string[] => [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '')

interface InputParts {
  parameters: JsonSchema[]
  requestBody?: JsonSchema
}

/** Splits an input's schema into what stands in the path, the query and the body. */
const splitInput = ({ name, rest, input }: RestProcedure, collector: SchemaCollector): InputParts => {
  const inPath = pathNames(rest.path)
  if (input === null) {
    if (inPath.length > 0) throw new TypeError(`${name}: the path has parameters, but there is no input`)
    return { parameters: [] }
  }
  const object = innerSchema(input)
  if (!(object instanceof z.ZodObject)) throw new TypeError(`${name}: the input of a REST procedure is an object`)
  const unknown = inPath.find((key) => !(key in object.shape))
  if (unknown !== undefined) throw new TypeError(`${name}: the path’s {${unknown}} is no field of the input`)
  const isOptional = (key: string) => (object.shape[key] as z.ZodType).safeParse(undefined).success
  const parameter = (key: string): JsonSchema => ({
    name: key,
    in: inPath.includes(key) ? 'path' : 'query',
    required: inPath.includes(key) || !isOptional(key),
    schema: collector.toJsonSchema(object.shape[key] as z.ZodType, 'input'),
  })
  const others = Object.keys(object.shape).filter((key) => !inPath.includes(key))
  if (!takesBody(rest.method)) return { parameters: [...inPath, ...others].map(parameter) }
  if (others.length === 0) return { parameters: inPath.map(parameter) }
  const body = z.strictObject(Object.fromEntries(others.map((key) => [key, object.shape[key] as z.ZodType])))
  const required = others.some((key) => !isOptional(key))
  const content = { 'application/json': { schema: collector.toJsonSchema(body, 'input') } }
  return { parameters: inPath.map(parameter), requestBody: { required, content } }
}

const responsesOf = (procedure: RestProcedure, parts: InputParts, collector: SchemaCollector): JsonSchema => ({
  '200': {
    description: 'Done.',
    content: { 'application/json': { schema: collector.toJsonSchema(procedure.output, 'output') } },
  },
  ...((parts.parameters.length > 0 || parts.requestBody !== undefined) && { '400': errorRef }),
  ...(procedure.access !== 'public' && { '401': errorRef, '403': errorRef }),
  ...(procedure.rest.path.includes('{') && { '404': errorRef }),
  '429': errorRef,
  default: errorRef,
})

const whoMay = (access: RestProcedure['access']): string => {
  if (access === 'public') return 'Open to everybody.'
  return access === 'session' ? 'For whoever is logged in, not for API keys.' : `Needs the permission ${access}.`
}

const operationOf = (procedure: RestProcedure, collector: SchemaCollector): JsonSchema => {
  const { name, rest, access } = procedure
  const parts = splitInput(procedure, collector)
  const role = whoMay(access)
  return {
    operationId: name,
    summary: rest.summary ?? name,
    description: rest.description === undefined ? role : `${rest.description} ${role}`,
    tags: rest.tags ?? [name.split('.', 1)[0]],
    security: access === 'public' ? [] : [{ bearer: [] }],
    ...(rest.deprecated === true && { deprecated: true }),
    ...parts,
    responses: responsesOf(procedure, parts, collector),
  }
}

const componentsOf = (collector: SchemaCollector): JsonSchema => ({
  securitySchemes: { bearer: { type: 'http', scheme: 'bearer', description: 'An access token or an API key.' } },
  responses: {
    Error: {
      description: 'What went wrong; `code` is one of a closed list.',
      content: {
        'application/json': {
          schema: {
            type: 'object',
            required: ['error'],
            properties: { error: { $ref: '#/components/schemas/ErrorBody' } },
          },
        },
      },
    },
  },
  schemas: { ...collector.named, ErrorBody: collector.toJsonSchema(errorBody, 'output') },
})

/**
 * OpenAPI 3.1 of every procedure that is offered as REST, and of the file routes.
 * @throws TypeError when a procedure cannot be offered as its meta says
 */
export const openApiDocument = ({ router, version, publicUrl }: OpenApiOptions): JsonSchema => {
  const collector = new SchemaCollector()
  const paths: Record<string, JsonSchema> = {}
  for (const procedure of restProceduresOf(router)) {
    const { method, path } = procedure.rest
    paths[path] = { ...paths[path], [method.toLowerCase()]: operationOf(procedure, collector) }
  }
  for (const [path, item] of Object.entries(FILE_OPERATIONS)) paths[path] = { ...paths[path], ...item }
  return {
    openapi: '3.1.0',
    info: { title: 'Gantry', version, description: 'The typed backend for fleets of 3D printers.' },
    servers: [{ url: `${publicUrl ?? ''}/api` }],
    paths,
    components: componentsOf(collector),
  }
}
