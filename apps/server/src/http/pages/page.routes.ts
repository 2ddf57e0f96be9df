import type { Route } from '../route.js'
import { assetRoute, packageRoute } from './page-files.js'

/** By the path at which they are served. */
const PAGES: Readonly<Record<string, string>> = {
  '/account': 'account/account.html',
  '/account/sign-in': 'account/sign-in.html',
  '/account/password': 'account/password.html',
  '/account/forgot': 'account/forgot.html',
  '/admin/queues': 'queue-screen/index.html',
}

/** What pages load, by the folder from which it comes and the path below which it is served. */
const PARTS: readonly { folder: string; path: string; files: readonly string[] }[] = [
  {
    folder: 'shared',
    path: '/assets',
    files: ['base.css', 'icon.svg', 'api.js', 'dom.js', 'form.js', 'guard.js', 'sign-in-form.js'],
  },
  {
    folder: 'account',
    path: '/account',
    files: [
      ...['account.css', 'account.js', 'sign-in.js', 'password.js', 'forgot.js'],
      ...['own-password.js', 'own-sessions.js', 'second-factor.js', 'recovery-codes.js', 'qr-code.js'],
    ],
  },
  {
    folder: 'queue-screen',
    path: '/admin/queues',
    files: ['screen.css', 'main.js', 'figures.js', 'jobs.js', 'queues.js', 'schedules.js'],
  },
]

/** Everybody's own account, and the queues for admins (docs/reference/account-pages.md). */
export const pageRoutes = (): Route[] => [
  // What people type, and what stands at the end of mails.
  {
    method: 'GET',
    pattern: '/',
    access: 'open',
    handle: ({ res }) => void res.writeHead(302, { Location: '/account' }).end(),
  },
  ...Object.entries(PAGES).map(([path, file]) => assetRoute(path, file)),
  ...PARTS.flatMap(({ folder, path, files }) =>
    files.map((file) => assetRoute(`${path}/${file}`, `${folder}/${file}`)),
  ),
  packageRoute('/assets/qr.js', 'qr'),
]
