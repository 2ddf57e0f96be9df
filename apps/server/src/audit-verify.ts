import { runAuditVerify } from './app/audit-verify.js'
import { explainFailure } from './app/explain-failure.js'
import { loadConfig } from './config/config.js'

try {
  process.exitCode = await runAuditVerify({
    arguments: process.argv.slice(2),
    config: loadConfig(),
    print: (line) => process.stdout.write(`${line}\n`),
  })
} catch (error) {
  process.stderr.write(explainFailure(error))
  process.exitCode = 1
}
