/** Import boundaries: `npx tsx tools/check-imports.ts`. Exit code 1 when a file imports what it may not. */
import path from 'node:path'

import { readImports } from './imports/read-imports.js'

const { files, imports, violations } = await readImports(path.resolve(import.meta.dirname, '..'))
for (const { rule, from, to, comment } of violations) console.log(`${from} → ${to}\n  ${rule}: ${comment}`)
console.log(`${files} files and ${imports} imports read, ${violations.length} against the rules`)
if (violations.length > 0) process.exitCode = 1
