/**
 * What we build upon: `npm run supply-chain -- COMMAND`. Exit code 1 when something is wrong, 2 for a command that does not
 * exist.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'

import { advisoriesIn, auditFaults, exceptionFaults, refusalIn, type AuditException } from './audit.js'
import { floorFaults } from './floors.js'
import { installScriptFaults } from './install-scripts.js'
import { licenceFaults, licencePage, type LicenceRules } from './licences.js'
import { readLockfile, sourceFaults } from './lockfile.js'
import { npm } from './npm.js'
import { withoutDevelopment, type Sbom } from './sbom.js'

const USAGE = `Usage: npm run supply-chain -- COMMAND
  check      hold the lockfile to the rules on sources, install scripts, versions and licences
  audit      ask the registry for known holes; with AUDIT_REQUIRED=true it has to answer
  sbom       write dist/sbom.cdx.json
  licences   write docs/reference/licences.md`

const repository = path.resolve(import.meta.dirname, '../..')
const PAGE = path.join(repository, 'docs/reference/licences.md')
const SBOM = path.join(repository, 'dist/sbom.cdx.json')

const readJson = async <T>(file: string): Promise<T> => JSON.parse(await readFile(file, 'utf8')) as T
const ownData = <T>(name: string) => readJson<T>(path.join(import.meta.dirname, name))

const tell = (faults: readonly string[]): void => {
  for (const fault of faults) console.log(fault)
  if (faults.length > 0) process.exitCode = 1
}

async function check(): Promise<void> {
  const packages = await readLockfile(repository)
  const { allowScripts } = await readJson<{ allowScripts: Record<string, boolean> }>(
    path.join(repository, 'package.json'),
  )
  const isPageTrue = (await readFile(PAGE, 'utf8')) === licencePage(packages)
  tell([
    ...sourceFaults(packages),
    ...installScriptFaults(packages, allowScripts),
    ...floorFaults(packages, await ownData('floors.json')),
    ...licenceFaults(packages, await ownData<LicenceRules>('licence-rules.json')),
    ...(isPageTrue ? [] : ['docs/reference/licences.md is not that of the lockfile: npm run licences']),
  ])
  console.log(`${packages.length} packages read`)
}

async function audit(): Promise<void> {
  const exceptions = await ownData<AuditException[]>('audit-exceptions.json')
  const faults = exceptionFaults(exceptions, new Date())
  const report = await npm(repository, 'audit', '--json', '--fetch-retries=0', '--fetch-timeout=30000')
  const advisories = advisoriesIn(report)
  if (advisories !== null) {
    tell([...faults, ...auditFaults(advisories, exceptions)])
    console.log(`${advisories.length} known holes, ${exceptions.length} of them excepted`)
    return
  }
  tell(faults)
  console.log(`not audited: ${refusalIn(report)}`)
  if (process.env['AUDIT_REQUIRED'] === 'true') process.exitCode = 1
}

async function sbom(): Promise<void> {
  const all = JSON.parse(await npm(repository, 'sbom', '--sbom-format=cyclonedx', '--package-lock-only')) as Sbom
  const { name } = await readJson<{ name: string }>(path.join(repository, 'package.json'))
  const written = withoutDevelopment(all, name)
  await mkdir(path.dirname(SBOM), { recursive: true })
  await writeFile(SBOM, `${JSON.stringify(written, null, 2)}\n`)
  console.log(`${written.components.length} components in ${path.relative(repository, SBOM)}`)
}

const licences = async (): Promise<void> => writeFile(PAGE, licencePage(await readLockfile(repository)))

const COMMANDS: Partial<Record<string, () => Promise<void>>> = { check, audit, sbom, licences }

const command = COMMANDS[process.argv[2] ?? '']
if (command === undefined || process.argv.length > 3) {
  console.log(USAGE)
  process.exitCode = 2
} else await command()
