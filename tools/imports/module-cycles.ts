import type { ICruiseResult, IDependency } from 'dependency-cruiser'

const moduleOf = (file: string) => /^apps\/server\/src\/modules\/([^/]+)\//.exec(file)?.[1]
const isTest = (file: string) => file.endsWith('.test.ts') || file.includes('/testing/')

/** The types of a module's ports are its public face, free to everybody. */
const isPublicType = ({ resolved, dependencyTypes }: IDependency) =>
  /\.ports?\.ts$/.test(resolved) && dependencyTypes.includes('type-only')

/** Feature modules that need more of each other than the types of their ports, be it through different files. */
export function findModuleCycles({ modules }: ICruiseResult) {
  const edges = new Map<string, Set<string>>()
  for (const { source, dependencies } of modules) {
    const from = moduleOf(source)
    if (from === undefined || isTest(source)) continue
    for (const dependency of dependencies) {
      const to = isPublicType(dependency) ? undefined : moduleOf(dependency.resolved)
      if (to !== undefined && to !== from) edges.set(from, (edges.get(from) ?? new Set()).add(to))
    }
  }
  const reach = (from: string, seen = new Set<string>()): Set<string> => {
    for (const to of edges.get(from) ?? []) if (!seen.has(to)) reach(to, seen.add(to))
    return seen
  }
  const looped = [...edges.keys()].filter((name) => reach(name).has(name))
  if (looped.length === 0) return []
  const comment = 'Modules may build on each other in one direction only.'
  return [{ rule: 'no-module-cycle', from: looped.join(', '), to: 'each other', comment }]
}
