import { createApp } from './app.js'
import { welcome } from './app/welcome.js'
import { explainFailure } from './app/explain-failure.js'
import { loadConfig } from './config/config.js'

const STOP_WITHIN_MS = 25_000
const SAME_WISH_MS = 500

try {
  const app = createApp(loadConfig())
  let askedAtMs: number | null = null
  const onSignal = () => {
    if (askedAtMs !== null) {
      // Whoever asks again does not want to wait; npm and terminals send one wish twice within moments.
      if (Date.now() - askedAtMs > SAME_WISH_MS) process.exit(1)
      return
    }
    askedAtMs = Date.now()
    // Whatever hangs: who asked for a stop gets one.
    setTimeout(() => process.exit(1), STOP_WITHIN_MS).unref()
    void app.stop().then(() => process.exit(0))
  }
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal).on('SIGHUP', onSignal)
  process.stderr.write(welcome(await app.start()))
} catch (error) {
  process.stderr.write(explainFailure(error))
  process.exit(1)
}
