import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

import { cruise, type ICruiseResult } from 'dependency-cruiser'

import { findModuleCycles } from './module-cycles.js'
import { importRules } from './rules.js'

export interface ImportViolation {
  rule: string
  from: string
  to: string
  comment: string
}

export interface ImportReport {
  /** Files on disk, each of which was read. */
  files: number
  imports: number
  violations: ImportViolation[]
}

const ROOTS = ['apps', 'packages', 'tools']
const SKIPPED = new Set(['node_modules', 'dist', 'generated', 'fixtures', '.turbo', '.cache'])
const RESOLVE = { exportsFields: ['exports'], conditionNames: ['gantry-source', 'node', 'import', 'types', 'default'] }
const IMPORTS_SOMETHING = /^(import|export)\b[^'"]*\bfrom ['"]/m

const sourceFiles = (baseDir: string): string[] =>
  ROOTS.flatMap((root) => walk(baseDir, root)).filter((file) => /\.ts$/.test(file))

function walk(baseDir: string, folder: string): string[] {
  return readdirSync(path.join(baseDir, folder), { withFileTypes: true }).flatMap((entry) => {
    const relative = `${folder}/${entry.name}`
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : walk(baseDir, relative)
    return [relative]
  })
}

/**
 * Reads every TypeScript file below `apps`, `packages` and `tools` of `baseDir` and holds its imports to the rules.
 * @throws Error when a file on disk was not read: a tool that reads nothing finds nothing wrong
 */
export async function readImports(baseDir: string): Promise<ImportReport> {
  const files = sourceFiles(baseDir)
  const options = {
    baseDir,
    ruleSet: { forbidden: importRules },
    validate: true,
    tsPreCompilationDeps: true,
    doNotFollow: { path: ['node_modules', '(^|/)(dist|generated)/'] },
  }
  const { output } = await cruise(files, options, RESOLVE)
  if (typeof output === 'string') throw new Error('dependency-cruiser answered with text instead of a result')
  assertAllRead(baseDir, files, output)
  const violations = output.summary.violations.map(({ rule, from, to, cycle }) => ({
    rule: rule.name,
    from,
    to: cycle === undefined ? to : cycle.map(({ name }) => name).join(' → '),
    comment: importRules.find(({ name }) => name === rule.name)?.comment ?? '',
  }))
  return {
    files: files.length,
    imports: output.summary.totalDependenciesCruised ?? 0,
    violations: [...violations, ...findModuleCycles(output)],
  }
}

function assertAllRead(baseDir: string, files: string[], { modules }: ICruiseResult): void {
  const read = new Map(modules.map(({ source, dependencies }) => [source, dependencies.length]))
  const unread = files.filter((file) => {
    const imports = read.get(file)
    return (
      imports === undefined || (imports === 0 && IMPORTS_SOMETHING.test(readFileSync(path.join(baseDir, file), 'utf8')))
    )
  })
  if (files.length === 0 || unread.length > 0)
    throw new Error(`${unread.length} of ${files.length} files were not read, such as ${unread[0] ?? 'any at all'}`)
}
