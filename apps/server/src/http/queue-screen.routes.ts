import { fileURLToPath } from 'node:url'

import { keptFile } from './kept-file.js'
import { sendText } from './respond.js'
import type { Route } from './route.js'

// `src` and `dist` lie at the same depth, so that the path holds for both.
const FOLDER = new URL('../../assets/queue-screen/', import.meta.url)

const SCRIPT = 'text/javascript; charset=utf-8'
const FILES: Readonly<Record<string, string>> = {
  'screen.css': 'text/css; charset=utf-8',
  'icon.svg': 'image/svg+xml',
  'main.js': SCRIPT,
  'api.js': SCRIPT,
  'dom.js': SCRIPT,
  'jobs.js': SCRIPT,
  'queues.js': SCRIPT,
  'schedules.js': SCRIPT,
}

/** Everything comes from this server, nothing stands inline, and no form goes anywhere by itself. */
const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
  "form-action 'none'; frame-ancestors 'none'"

/** `/admin/queues`: a page that shows queues, jobs and schedules. It says nothing itself; what it shows is for admins. */
export const queueScreenRoutes = (): Route[] => {
  const fileRoute = (pattern: string, file: string, contentType: string): Route => {
    const bytes = keptFile(fileURLToPath(new URL(file, FOLDER)))
    return {
      method: 'GET',
      pattern,
      access: 'open',
      handle: async (exchange) => {
        exchange.res.setHeader('Content-Security-Policy', PAGE_POLICY)
        sendText(exchange, 200, contentType, await bytes())
      },
    }
  }
  return [
    fileRoute('/admin/queues', 'index.html', 'text/html; charset=utf-8'),
    ...Object.entries(FILES).map(([file, contentType]) => fileRoute(`/admin/queues/${file}`, file, contentType)),
  ]
}
