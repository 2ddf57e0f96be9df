import { format, resolveConfig } from 'prettier'

import type { ProcedureFacts } from './procedures.js'

const NOTICE = '// Generated from the server\'s router by "npm run generate". Do not edit.\n'

export interface RouterTypes {
  domain: string
  errorShape: string
  procedures: string
}

export const renderRouter = ({
  domain,
  errorShape,
  procedures,
}: RouterTypes): string => `${NOTICE}/* eslint-disable max-lines -- it has as many types as the API */

import type {
  TRPCBuiltRouter,
  TRPCDecorateCreateRouterOptions,
  TRPCMutationProcedure,
  TRPCQueryProcedure,
  TRPCSubscriptionProcedure,
} from '@trpc/server'

${domain}
/** A failed call as tRPC sends it. */
export interface ErrorShape ${errorShape}

interface Definition<I, O> {
  input: I
  output: O
  meta: unknown
  errorShape: ErrorShape
}
/** An item of a stream with its cursor. */
export interface Tracked<T> {
  id: string
  data: T
}
export type Query<I, O> = TRPCQueryProcedure<Definition<I, O>>
export type Mutation<I, O> = TRPCMutationProcedure<Definition<I, O>>
export type Subscription<I, O> = TRPCSubscriptionProcedure<Definition<I, AsyncIterable<O>>>

/** Everything that clients can call, by noun and verb. */
export type Procedures = ${procedures}

/** The router's type, for clients and adapters that are built on tRPC themselves. */
export type AppRouter = TRPCBuiltRouter<
  { ctx: object; meta: object; errorShape: ErrorShape; transformer: true },
  TRPCDecorateCreateRouterOptions<Procedures>
>
`

export const renderFacts = (facts: ReadonlyMap<string, ProcedureFacts>): string => `${NOTICE}
import type { ProcedureFacts } from '../procedure-facts.js'

export const PROCEDURES: Readonly<Record<string, ProcedureFacts>> = {
${[...facts].map(([path, fact]) => `${JSON.stringify(path)}: ${JSON.stringify(fact)},`).join('\n')}
}
`

export const formatted = async (text: string, file: string): Promise<string> => {
  const config = await resolveConfig(file)
  return format(text, { ...config, parser: 'typescript' })
}
