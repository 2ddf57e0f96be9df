import type { StartedApp } from '../app.js'

const boxed = (lines: string[]): string => {
  const width = Math.max(...lines.map((line) => line.length))
  const rule = '─'.repeat(width + 2)
  return [`┌${rule}┐`, ...lines.map((line) => `│ ${line.padEnd(width)} │`), `└${rule}┘`].join('\n')
}

/** Where a browser reaches it: the address for all networks of a machine is none that one asks for. */
const pageAt = (url: string, publicUrl: string | null): string => {
  const page = new URL('/account', publicUrl ?? url)
  if (['0.0.0.0', '[::]'].includes(page.hostname)) page.hostname = 'localhost'
  return page.href
}

/** What the terminal shows when the server is ready; on the first start with the admin's one-time password. */
export const welcome = ({ url, firstAdmin }: StartedApp, publicUrl: string | null): string => {
  const page = url === null ? null : pageAt(url, publicUrl)
  const where = url === null ? 'Gantry is running.' : `Gantry is running at ${url} (API description: ${url}/api/docs)`
  if (firstAdmin === null) return page === null ? `${where}\n` : `${where}\nSign in at ${page}\n`
  const { email, oneTimePassword } = firstAdmin
  const password = oneTimePassword === null ? 'as set by GANTRY_ADMIN_PASSWORD' : oneTimePassword
  const lines = [
    'The first account was made. It is shown this once:',
    `  e-mail    ${email}`,
    `  password  ${password}`,
    ...(page === null ? [] : ['Sign in and choose a password of your own at', `  ${page}`]),
  ]
  return `${where}\n${boxed(lines)}\n`
}
