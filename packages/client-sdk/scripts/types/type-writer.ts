import ts from 'typescript'

import { docComment, docOf } from './doc-comment.js'
import { LeakError } from './leak.js'

const MAX_DEPTH = 20

const INTRINSIC = new Map<ts.TypeFlags, string>([
  [ts.TypeFlags.Unknown, 'unknown'],
  [ts.TypeFlags.Never, 'never'],
  [ts.TypeFlags.Void, 'void'],
  [ts.TypeFlags.Undefined, 'undefined'],
  [ts.TypeFlags.Null, 'null'],
  [ts.TypeFlags.String, 'string'],
  [ts.TypeFlags.Number, 'number'],
  [ts.TypeFlags.BigInt, 'bigint'],
])
/** Unions read `string | null`, never `null | string`. */
const LAST_IN_UNION = ['null', 'undefined']

const propertyName = (name: string) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name))

const rankInUnion = (text: string) => LAST_IN_UNION.indexOf(text)
const byReading = (a: string, b: string) => rankInUnion(a) - rankInUnion(b) || (a < b ? -1 : a > b ? 1 : 0)

export interface TypeWriterOptions {
  program: ts.Program
  /** Whether clients may see types that are declared by name in this file. */
  isPublicFile: (fileName: string) => boolean
}

/**
 * Writes types out in full, as TypeScript that refers to nothing but the names it was given and `Date`. The same type is
 * written the same on every run: properties stand as they were declared, members of unions are sorted.
 */
export class TypeWriter {
  private readonly checker: ts.TypeChecker
  private readonly names = new Map<string, string>()
  private readonly canonical = new Map<ts.Type, string>()

  constructor(private readonly options: TypeWriterOptions) {
    this.checker = options.program.getTypeChecker()
  }

  /** From now on types of this structure are written as `name`. The first name of a structure is kept. */
  name(type: ts.Type, name: string): void {
    const text = this.inFull(type, name)
    if (!this.names.has(text)) this.names.set(text, name)
  }

  /** @throws LeakError when the type holds anything that is not plain data */
  write(type: ts.Type, at: string): string {
    return this.text(type, { at, depth: 0, named: true })
  }

  /** Like {@link write}, but the type's own name is not used: what stands behind it. */
  writeBody(type: ts.Type, at: string): string {
    return this.expanded(type, { at, depth: 0, named: true })
  }

  /** An interface's or a type literal's members, wherever it was declared. */
  writeMembers(type: ts.Type, at: string): string {
    return this.members(type, { at, depth: 0, named: true })
  }

  private inFull(type: ts.Type, at: string): string {
    const known = this.canonical.get(type)
    if (known !== undefined) return known
    const text = this.expanded(type, { at, depth: 0, named: false })
    this.canonical.set(type, text)
    return text
  }

  private text(type: ts.Type, place: Place): string {
    if (place.depth > MAX_DEPTH) throw new LeakError(place.at, `is recursive, or deeper than ${MAX_DEPTH} levels`)
    return (place.named ? this.nameOf(type, place.at) : null) ?? this.expanded(type, place)
  }

  private nameOf(type: ts.Type, at: string): string | null {
    if ((type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Union)) === 0) return null
    return this.names.get(this.inFull(type, at)) ?? null
  }

  private expanded(type: ts.Type, place: Place): string {
    const intrinsic = INTRINSIC.get(type.flags)
    if (intrinsic !== undefined) return intrinsic
    if (type.flags & ts.TypeFlags.BooleanLike) return this.checker.typeToString(type)
    if (type.flags & ts.TypeFlags.EnumLike) throw new LeakError(place.at, `is an enum (${this.show(type)})`)
    if (type.isStringLiteral() || type.isNumberLiteral()) return JSON.stringify(type.value)
    if (type.isUnion()) return this.union(type, place)
    if (type.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection)) return this.object(type, place)
    throw new LeakError(place.at, `is ${this.show(type)}`)
  }

  private union(type: ts.UnionType, place: Place): string {
    const some = this.checker.getNonNullableType(type)
    const missing = type.types.filter((member) => member.flags & (ts.TypeFlags.Null | ts.TypeFlags.Undefined))
    if (missing.length > 0 && some !== type) {
      const texts = [this.text(some, place), ...missing.map((member) => this.expanded(member, place))]
      return texts.sort(byReading).join(' | ')
    }
    const texts = new Set(type.types.map((member) => this.text(member, deeper(place))))
    if (texts.has('true') && texts.delete('false')) {
      texts.delete('true')
      texts.add('boolean')
    }
    return [...texts].sort(byReading).join(' | ')
  }

  private object(type: ts.Type, place: Place): string {
    const { checker } = this
    if (checker.isArrayType(type)) return `(${this.text(this.argumentsOf(type)[0] as ts.Type, deeper(place))})[]`
    if (checker.isTupleType(type)) {
      return `[${this.argumentsOf(type)
        .map((member) => this.text(member, deeper(place)))
        .join(', ')}]`
    }
    if (this.isFromLibrary(type) && type.symbol.name === 'Date') return 'Date'
    this.assertPublic(type, place)
    return this.members(type, place)
  }

  private members(type: ts.Type, place: Place): string {
    const { checker } = this
    const indexes = checker.getIndexInfosOfType(type)
    const properties = checker.getPropertiesOfType(type)
    if (properties.length === 0 && indexes.length === 0) return 'Record<string, never>'
    const members = [
      ...indexes.map(({ keyType, type: value }) => {
        return `[key: ${this.text(keyType, deeper(place))}]: ${this.text(value, deeper(place))}`
      }),
      ...properties.map((property) => this.property(property, place)),
    ]
    return `{\n${members.join('\n')}\n}`
  }

  private property(property: ts.Symbol, place: Place): string {
    const at = `${place.at}.${property.name}`
    const isOptional = (property.flags & ts.SymbolFlags.Optional) !== 0
    const declared = this.checker.getTypeOfSymbol(property)
    // An optional property of `T | null` must keep its null, so only undefined is taken away.
    const type = isOptional ? this.withoutUndefined(declared) : declared
    const doc = place.named ? docComment(docOf(property, this.checker)) : ''
    return `${doc}${propertyName(property.name)}${isOptional ? '?' : ''}: ${this.text(type, { ...deeper(place), at })}`
  }

  private withoutUndefined(type: ts.Type): ts.Type {
    if (!type.isUnion()) return type
    const isNullable = type.types.some((member) => member.flags & ts.TypeFlags.Null)
    const some = this.checker.getNonNullableType(type)
    return isNullable ? this.checker.getNullableType(some, ts.TypeFlags.Null) : some
  }

  private argumentsOf(type: ts.Type): readonly ts.Type[] {
    return this.checker.getTypeArguments(type as ts.TypeReference)
  }

  /** Functions, classes, and whatever was declared by name where clients do not look. */
  private assertPublic(type: ts.Type, { at }: Place): void {
    if (this.isFromLibrary(type)) throw new LeakError(at, `is ${this.show(type)}, which JSON does not carry`)
    const isCallable = type.getCallSignatures().length > 0 || type.getConstructSignatures().length > 0
    if (isCallable) throw new LeakError(at, `is a function (${this.show(type)})`)
    const declared = namedSymbol(type)
    if ((declared?.flags ?? 0) & ts.SymbolFlags.Class) throw new LeakError(at, `is the class ${this.show(type)}`)
    const declarer = type.aliasSymbol ?? declared
    for (const { fileName } of declarer?.declarations?.map((declaration) => declaration.getSourceFile()) ?? []) {
      if (!this.options.isPublicFile(fileName)) throw new LeakError(at, `is ${this.show(type)} of ${fileName}`)
    }
  }

  private isFromLibrary(type: ts.Type): boolean {
    return (namedSymbol(type)?.declarations ?? []).some((declaration) =>
      this.options.program.isSourceFileDefaultLibrary(declaration.getSourceFile()),
    )
  }

  private show(type: ts.Type): string {
    return this.checker.typeToString(type, undefined, ts.TypeFormatFlags.NoTruncation).slice(0, 200)
  }
}

interface Place {
  /** For the message when it leaks: procedure and path. */
  at: string
  depth: number
  named: boolean
}

/** The class or interface that a type is of, generic ones too. */
const namedSymbol = (type: ts.Type): ts.Symbol | undefined => {
  const symbol = type.getSymbol()
  const isNamed = ((symbol?.flags ?? 0) & (ts.SymbolFlags.Class | ts.SymbolFlags.Interface)) !== 0
  return isNamed ? symbol : undefined
}

const deeper = (place: Place): Place => ({ ...place, depth: place.depth + 1 })
