import { createApp } from './app.js'
import { explainFailure } from './app/explain-failure.js'
import { ProcessEnd } from './app/process-end.js'
import { welcome } from './app/welcome.js'
import { loadConfig } from './config/config.js'

try {
  const config = loadConfig()
  const app = createApp(config)
  new ProcessEnd(app).watch()
  process.stderr.write(welcome(await app.start(), config.http.publicUrl))
} catch (error) {
  process.stderr.write(explainFailure(error))
  process.exit(1)
}
