import { explainFailure } from './app/explain-failure.js'
import { runRotateCommand } from './app/secret-rotation.js'
import { loadConfig } from './config/config.js'
import { systemClock } from './kernel/index.js'
import { createLogger } from './observability/logger.js'
import { LogLevels } from './observability/log-levels.js'

try {
  process.exitCode = await runRotateCommand({
    arguments: process.argv.slice(2),
    config: loadConfig(),
    print: (line) => process.stdout.write(`${line}\n`),
    log: createLogger({ levels: new LogLevels('warn', systemClock) }),
  })
} catch (error) {
  process.stderr.write(explainFailure(error))
  process.exitCode = 1
}
