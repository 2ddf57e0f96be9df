import { aptInstall, programAt } from './apt-install.js'

const HOW =
  'Install it (apt-get install chromium, brew install --cask chromium) or set CHROMIUM_PATH to a Chromium or Chrome.'

/** Where systems keep one. */
const USUAL = [
  ...['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'],
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

const firstOf = async (programs: readonly string[]): Promise<string | null> => {
  for (const program of programs) {
    const path = await programAt(program)
    if (path !== null) return path
  }
  return null
}

/**
 * A browser for tests of pages, installed where that is possible.
 * @returns the path of its program @throws Error telling what to do
 */
export const ensureChromium = async (): Promise<string> => {
  const named = process.env['CHROMIUM_PATH'] ?? ''
  const found = await firstOf(named === '' ? USUAL : [named])
  if (found !== null) return found
  if (named !== '') throw new Error(`CHROMIUM_PATH names a program that does not run: ${named}`)
  await aptInstall('chromium', HOW)
  const installed = await programAt('chromium')
  if (installed === null) throw new Error(`chromium was installed and does not run. ${HOW}`)
  return installed
}
