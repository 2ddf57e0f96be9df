import type { StartedApp } from '../app.js'

const boxed = (lines: string[]): string => {
  const width = Math.max(...lines.map((line) => line.length))
  const rule = '─'.repeat(width + 2)
  return [`┌${rule}┐`, ...lines.map((line) => `│ ${line.padEnd(width)} │`), `└${rule}┘`].join('\n')
}

/** What the terminal shows when the server is ready; on the first start with the admin's one-time password. */
export const welcome = ({ url, firstAdmin }: StartedApp): string => {
  const where = url === null ? 'Gantry is running.' : `Gantry is running at ${url} (API description: ${url}/api/docs)`
  if (firstAdmin === null) return `${where}\n`
  const { email, oneTimePassword } = firstAdmin
  const password = oneTimePassword === null ? 'as set by GANTRY_ADMIN_PASSWORD' : oneTimePassword
  const lines = [
    'The first account was made. It is shown this once:',
    `  e-mail    ${email}`,
    `  password  ${password}`,
  ]
  return `${where}\n${boxed(lines)}\n`
}
