import ts from 'typescript'

import { docComment, docOf } from './doc-comment.js'
import type { TypeWriter } from './type-writer.js'

/** What a parser makes of an input is the server's business: clients send the shape before it. */
const isServerSide = (name: string) => name.endsWith('Input') || name === 'IdKind'

const declarationOf = (symbol: ts.Symbol): ts.TypeAliasDeclaration | ts.InterfaceDeclaration | null => {
  const declaration = symbol.declarations?.[0]
  if (declaration === undefined) return null
  const isNamedType = ts.isTypeAliasDeclaration(declaration) || ts.isInterfaceDeclaration(declaration)
  return isNamedType && declaration.typeParameters === undefined ? declaration : null
}

/** The comment of a type, or of the schema that it was inferred from. */
const commentOf = (
  symbol: ts.Symbol,
  declaration: ts.Declaration,
  all: ReadonlyMap<string, ts.Symbol>,
  checker: ts.TypeChecker,
): string => {
  const own = docOf(symbol, checker)
  if (own !== '') return own
  const schema = /typeof (\w+)/.exec(declaration.getText())?.[1]
  const source = schema === undefined ? undefined : all.get(schema)
  return source === undefined ? '' : docOf(source, checker)
}

/** Declares every named type of the domain that clients see, and teaches the writer to use the names. */
export const writeDomainTypes = (
  all: ReadonlyMap<string, ts.Symbol>,
  writer: TypeWriter,
  checker: ts.TypeChecker,
): string => {
  const types = [...all].flatMap(([name, symbol]) => {
    const declaration = isServerSide(name) ? null : declarationOf(symbol)
    if (declaration === null) return []
    return [{ name, doc: commentOf(symbol, declaration, all, checker), type: checker.getDeclaredTypeOfSymbol(symbol) }]
  })
  types.sort((a, b) => (a.name < b.name ? -1 : 1))
  for (const { name, type } of types) writer.name(type, name)
  return types
    .map(({ name, doc, type }) => {
      const body = writer.writeBody(type, name)
      const isObject = !type.isUnion() && body.startsWith('{')
      return `${docComment(doc)}export ${isObject ? `interface ${name} ${body}` : `type ${name} = ${body}`}\n`
    })
    .join('\n')
}
