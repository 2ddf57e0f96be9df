import { z } from 'zod'

export type JsonSchema = Record<string, unknown>

type Direction = 'input' | 'output'

const overrideSchema: z.core.ToJSONSchemaParams['override'] = ({ zodSchema, jsonSchema }) => {
  const { type } = zodSchema._zod.def
  if (type === 'date') Object.assign(jsonSchema, { type: 'string', format: 'date-time' })
  if (type === 'bigint') Object.assign(jsonSchema, { type: 'string', pattern: '^-?\\d+$' })
}

const withoutKeys = (schema: JsonSchema, ...keys: string[]): JsonSchema =>
  Object.fromEntries(Object.entries(schema).filter(([key]) => !keys.includes(key)))

/** Collects the schemas that have names (`.meta({ id })`) while others are turned into JSON Schema 2020-12. */
export class SchemaCollector {
  readonly named: Record<string, JsonSchema> = {}

  toJsonSchema(schema: z.ZodType, io: Direction): JsonSchema {
    const raw = z.toJSONSchema(schema, { io, unrepresentable: 'any', override: overrideSchema }) as JsonSchema
    const moved = JSON.parse(JSON.stringify(raw).replaceAll('"#/$defs/', '"#/components/schemas/')) as JsonSchema
    Object.assign(this.named, moved['$defs'])
    return withoutKeys(moved, '$schema', '$defs', '~standard')
  }
}
