import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

// `src` and `dist` lie at the same depth, so that the paths hold for both.
const manifest = new URL('../../package.json', import.meta.url)

export const PRISMA_FOLDER = fileURLToPath(new URL('../../../../prisma', import.meta.url))

export const GANTRY_VERSION = (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version

/** Where a checkout of the repository keeps its history. */
const GIT_FOLDER = fileURLToPath(new URL('../../../../.git', import.meta.url))

/** The commit of the checkout that this runs in; null when it is none, or one of another form. */
export const commitOfCheckout = (folder = GIT_FOLDER): string | null => {
  try {
    const head = readFileSync(join(folder, 'HEAD'), 'utf8').trim()
    const name = /^ref: (.+)$/.exec(head)?.[1]
    return hashIn(name === undefined ? head : refIn(folder, name))
  } catch {
    return null
  }
}

const refIn = (folder: string, name: string): string => {
  const loose = join(folder, name)
  if (existsSync(loose)) return readFileSync(loose, 'utf8').trim()
  const lines = readFileSync(join(folder, 'packed-refs'), 'utf8').split('\n')
  return lines.find((line) => line.endsWith(` ${name}`))?.split(' ')[0] ?? ''
}

const hashIn = (text: string): string | null => (/^[0-9a-f]{40,64}$/.test(text) ? text : null)

/**
 * Names this very build, by its files: what another build put into a shared cache may have another form. Two
 * installations of the same version count as different ones, which costs them nothing but shared answers.
 */
export const buildId = (): string => (known ??= nameOfBuild())
let known: string | undefined

const nameOfBuild = (): string => {
  const folder = fileURLToPath(new URL('..', import.meta.url))
  const stamps = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.[jt]s$/.test(entry.name))
    .map(({ parentPath, name }) => {
      const { size, mtimeMs } = statSync(join(parentPath, name))
      return `${relative(folder, join(parentPath, name))} ${size} ${Math.floor(mtimeMs)}`
    })
  return `${GANTRY_VERSION}-${createHash('sha256').update(stamps.toSorted().join()).digest('hex').slice(0, 12)}`
}
