import ts from 'typescript'

import { docComment, docOf } from './doc-comment.js'
import { LeakError } from './leak.js'
import { typeAt } from './server-program.js'
import type { TypeWriter } from './type-writer.js'

const ALIAS = { query: 'Query', mutation: 'Mutation', subscription: 'Subscription' } as const
type ProcedureType = keyof typeof ALIAS

/** What the client must know of a procedure while it runs. */
export interface ProcedureFacts {
  type: ProcedureType
  /** Whether it takes an input at all. */
  input: boolean
  /** Whether its input has an `idempotencyKey`. */
  idempotent: boolean
  /** Whether its stream carries cursors. */
  resumable: boolean
}

export interface WrittenProcedures {
  /** A type literal of procedures by noun and verb. */
  types: string
  facts: Map<string, ProcedureFacts>
  leaks: LeakError[]
}

const isProcedureType = (text: unknown): text is ProcedureType => typeof text === 'string' && text in ALIAS

const isOfTrpc = (declaration: ts.Declaration) => declaration.getSourceFile().fileName.includes('/@trpc/server/')

/** The `summary` in a procedure's metadata, which stands for a comment. */
const summaryIn = (node: ts.Node): string | null => {
  if (ts.isPropertyAssignment(node) && node.name.getText() === 'summary' && ts.isStringLiteralLike(node.initializer)) {
    return node.initializer.text
  }
  return ts.forEachChild(node, summaryIn) ?? null
}

export class ProcedureWriter {
  private readonly facts = new Map<string, ProcedureFacts>()
  private readonly leaks: LeakError[] = []

  constructor(
    private readonly checker: ts.TypeChecker,
    private readonly writer: TypeWriter,
  ) {}

  /** @param record the router's `_def.record` */
  write(record: ts.Type): WrittenProcedures {
    return { types: this.record(record, ''), facts: this.facts, leaks: this.leaks }
  }

  private record(record: ts.Type, prefix: string): string {
    const members = this.checker.getPropertiesOfType(record).map((property) => {
      const path = `${prefix}${property.name}`
      return `${docComment(this.doc(property))}${JSON.stringify(property.name)}: ${this.member(property, path)}`
    })
    return `{\n${members.join('\n')}\n}`
  }

  private member(property: ts.Symbol, path: string): string {
    const { checker } = this
    const type = checker.getTypeOfSymbol(property)
    const def = checker.getPropertyOfType(type, '_def')
    if (def === undefined) return this.record(type, `${path}.`)
    const defType = checker.getTypeOfSymbol(def)
    if (checker.getPropertyOfType(defType, 'record')) return this.record(typeAt(checker, defType, 'record'), `${path}.`)
    return this.procedure(defType, path)
  }

  private procedure(def: ts.Type, path: string): string {
    const { checker } = this
    const kind = typeAt(checker, def, 'type')
    const type: unknown = kind.isStringLiteral() ? kind.value : undefined
    if (!isProcedureType(type)) throw new Error(`${path} is neither query, mutation nor subscription`)
    const input = typeAt(checker, def, '$types', 'input')
    const { item, resumable } = this.outputOf(typeAt(checker, def, '$types', 'output'), type, path)
    const idempotent = checker.getNonNullableType(input).getProperty('idempotencyKey') !== undefined
    this.facts.set(path, { type, input: (input.flags & ts.TypeFlags.Void) === 0, idempotent, resumable })
    const output = this.attempt(item, `${path} output`)
    const result = resumable ? `Tracked<${output}>` : output
    return `${ALIAS[type]}<${this.attempt(input, `${path} input`)}, ${result}>`
  }

  /** What a call resolves with; of a stream, one of its items without its cursor. */
  private outputOf(output: ts.Type, type: ProcedureType, path: string): { item: ts.Type; resumable: boolean } {
    if (type !== 'subscription') return { item: output, resumable: false }
    const [item] = this.checker.getTypeArguments(output as ts.TypeReference)
    if (output.symbol.name !== 'AsyncIterable' || item === undefined) throw new Error(`${path} yields nothing`)
    const names = this.checker.getPropertiesOfType(item).map(({ name }) => name)
    // How tRPC shows clients what a procedure yields as `tracked(id, data)`.
    const symbol = item.aliasSymbol ?? item.getSymbol()
    const isTracked = names.includes('id') && symbol?.declarations?.some(isOfTrpc) === true
    return isTracked ? { item: typeAt(this.checker, item, 'data'), resumable: true } : { item, resumable: false }
  }

  private attempt(type: ts.Type, at: string): string {
    try {
      return this.writer.write(type, at)
    } catch (error) {
      if (!(error instanceof LeakError)) throw error
      this.leaks.push(error)
      return 'never'
    }
  }

  private doc(property: ts.Symbol): string {
    const own = docOf(property, this.checker)
    if (own !== '') return own
    const declaration = property.declarations?.[0]
    const isProcedure = declaration !== undefined && ts.isPropertyAssignment(declaration)
    const summary = isProcedure ? summaryIn(declaration.initializer) : null
    return summary === null ? '' : `${summary}.`
  }
}
