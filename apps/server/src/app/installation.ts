import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

// `src` and `dist` lie at the same depth, so that the paths hold for both.
const manifest = new URL('../../package.json', import.meta.url)

export const PRISMA_FOLDER = fileURLToPath(new URL('../../../../prisma', import.meta.url))

export const GANTRY_VERSION = (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
