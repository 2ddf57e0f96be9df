import { readFileSync } from 'node:fs'
import path from 'node:path'

import ts from 'typescript'

const parseConfig = (configPath: string): ts.ParsedCommandLine => {
  const read = ts.readConfigFile(configPath, (file) => readFileSync(file, 'utf8'))
  if (read.error !== undefined) throw new Error(ts.flattenDiagnosticMessageText(read.error.messageText, '\n'))
  return ts.parseJsonConfigFileContent(read.config as unknown, ts.sys, path.dirname(configPath))
}

/** A program of these files under a workspace's own settings. */
export const createProgram = (configPath: string, files: readonly string[]): ts.Program =>
  ts.createProgram([...files], { ...parseConfig(configPath).options, noEmit: true })

/** The exports of one of the program's files, by name; aliases are followed. */
export const exportsOf = (program: ts.Program, file: string): Map<string, ts.Symbol> => {
  const checker = program.getTypeChecker()
  const source = program.getSourceFile(file)
  const module = source && checker.getSymbolAtLocation(source)
  if (module === undefined) throw new Error(`${file} is no module`)
  return new Map(
    checker.getExportsOfModule(module).map((symbol) => {
      const isAlias = (symbol.flags & ts.SymbolFlags.Alias) !== 0
      return [symbol.name, isAlias ? checker.getAliasedSymbol(symbol) : symbol]
    }),
  )
}

/** The type of a chain of properties. */
export const typeAt = (checker: ts.TypeChecker, type: ts.Type, ...names: readonly string[]): ts.Type =>
  names.reduce((current, name) => {
    const property = checker.getPropertyOfType(current, name)
    if (property === undefined) throw new Error(`${checker.typeToString(current)} has no ${name}`)
    return checker.getTypeOfSymbol(property)
  }, type)
