import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'

import { writeDomainTypes } from './types/domain-types.js'
import { ProcedureWriter, type WrittenProcedures } from './types/procedures.js'
import { formatted, renderFacts, renderRouter } from './types/render.js'
import { createProgram, exportsOf, typeAt } from './types/server-program.js'
import { TypeWriter } from './types/type-writer.js'

const root = path.resolve(import.meta.dirname, '../../..')
const server = path.join(root, 'apps/server')
const routerFile = path.join(server, 'src/routers/app-router.ts')
const schemasFolder = path.join(root, 'packages/schemas/src/')
const generated = path.join(root, 'packages/client-sdk/src/generated')

/** Clients may see what the domain's schemas declare, and the forms that zod gives to it. */
const isPublicFile = (fileName: string) =>
  fileName.startsWith(schemasFolder) || /\/node_modules\/(zod|typescript)\//.test(fileName)

const readRouter = (): { files: Map<string, string>; written: WrittenProcedures } => {
  const schemas = path.join(schemasFolder, 'index.ts')
  const program = createProgram(path.join(server, 'tsconfig.json'), [routerFile, schemas])
  const checker = program.getTypeChecker()
  const writer = new TypeWriter({ program, isPublicFile })
  const domain = writeDomainTypes(exportsOf(program, schemas), writer, checker)
  const appRouter = exportsOf(program, routerFile).get('AppRouter')
  if (appRouter === undefined) throw new Error(`${routerFile} exports no AppRouter`)
  const router = checker.getDeclaredTypeOfSymbol(appRouter)
  const errorShape = writer.writeMembers(typeAt(checker, router, '_def', '_config', '$types', 'errorShape'), 'errors')
  const written = new ProcedureWriter(checker, writer).write(typeAt(checker, router, '_def', 'record'))
  const files = new Map([
    [path.join(generated, 'router.ts'), renderRouter({ domain, errorShape, procedures: written.types })],
    [path.join(generated, 'procedures.ts'), renderFacts(written.facts)],
  ])
  return { files, written }
}

const isCurrent = async (file: string, text: string): Promise<boolean> => {
  const present = await readFile(file, 'utf8').catch(() => null)
  return present === text
}

const run = async (mode: string | undefined): Promise<number> => {
  const { files, written } = readRouter()
  if (written.leaks.length > 0) {
    console.error('These types would leave the server; give the procedure an output schema of plain data:')
    for (const leak of written.leaks) console.error(`  ${leak.message}`)
    return 1
  }
  for (const [file, text] of files) {
    const wanted = await formatted(text, file)
    if (mode !== '--check') await writeFile(file, wanted)
    else if (!(await isCurrent(file, wanted))) {
      console.error(`${path.relative(root, file)} is older than the router: run "npm run generate -w @gantry/client"`)
      return 1
    }
  }
  console.log(`${written.facts.size} procedures, self-contained`)
  return 0
}

process.exitCode = await run(process.argv[2])
