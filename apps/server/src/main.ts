import { createApp } from './app.js'
import { welcome } from './app/welcome.js'
import { explainFailure } from './app/explain-failure.js'
import { loadConfig } from './config/config.js'

const STOP_WITHIN_MS = 25_000

try {
  const app = createApp(loadConfig())
  let signals = 0
  const onSignal = () => {
    signals += 1
    // Whoever asks twice does not want to wait.
    if (signals > 1) process.exit(1)
    // Whatever hangs: who asked for a stop gets one.
    setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref()
    void app.stop().then(() => process.exit(0))
  }
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  process.stderr.write(welcome(await app.start()))
} catch (error) {
  process.stderr.write(explainFailure(error))
  process.exit(1)
}
