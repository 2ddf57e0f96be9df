import { openPersistence, type Persistence } from '../../src/app/persistence.js'
import { PrismaUserRepository } from '../../src/db/users.repository.js'
import { Lifecycle, newId, SYSTEM_ACTOR, type Actor, type ServedBy } from '../../src/kernel/index.js'
import { ProjectsService } from '../../src/modules/projects/projects.service.js'
import { PRISMA_FOLDER } from '../../src/app/installation.js'
import { recordingLogger, type RecordingLogger } from '../../src/testing/recording-logger.js'

export interface HouseOptions {
  url: string
  replicaUrls: readonly string[]
  /** @default 2000 */
  maxLagMs?: number
}

/** One process of the server as far as its database goes, with its projects. */
export interface House extends AsyncDisposable {
  persistence: Persistence
  projects: ProjectsService
  log: RecordingLogger
  /** Reads of lists by who served them. */
  served: Record<ServedBy, number>
  /** Operations by database. */
  operations: Record<string, number>
  /** Whenever it changed whether any replica can be read. */
  changes: boolean[]
  /** Somebody new, who has written nothing yet. */
  somebody(): Promise<Actor>
  /** The names of the newest hundred projects, as the actor sees them. */
  names(actor: Actor): Promise<string[]>
  add(actor: Actor, name: string): Promise<void>
}

const followedByNobody = () => {
  throw new Error('nobody follows here')
}

export const openHouse = async ({ url, replicaUrls, maxLagMs = 2_000 }: HouseOptions): Promise<House> => {
  const log = recordingLogger()
  const lifecycle = new Lifecycle(log)
  const served = { replica: 0, primary_fresh: 0, primary_alone: 0 }
  const operations: Record<string, number> = {}
  const changes: boolean[] = []
  const persistence = await openPersistence({
    config: { dataDir: '', database: { url, poolSize: 4, timeoutMs: 5_000, replicaUrls, replicaMaxLagMs: maxLagMs } },
    ...{ prismaFolder: PRISMA_FOLDER, instanceId: newId('instance'), log, lifecycle },
    observer: {
      operationEnded: ({ database }) => void (operations[database] = (operations[database] ?? 0) + 1),
      readServed: (by) => void (served[by] += 1),
      replicasChanged: (anyUsable) => void changes.push(anyUsable),
    },
  })
  const { unitOfWork, reads, lists, database } = persistence
  const projects = new ProjectsService({ unitOfWork, reads, lists, follow: followedByNobody })
  const users = new PrismaUserRepository(database.prisma)
  return {
    ...{ persistence, projects, log, served, operations, changes },
    somebody: async () => {
      const id = newId('user')
      await users.create({ id, email: `${id}@example.org`, displayName: id, passwordHash: '', role: 'operator' })
      return { ...SYSTEM_ACTOR, kind: 'user', id }
    },
    names: async (actor) => {
      const { items } = await projects.list(actor, { limit: 100, cursor: null, status: null })
      return items.map(({ name }) => name)
    },
    add: async (actor, name) => {
      await projects.create(actor, { name, parts: [] })
    },
    [Symbol.asyncDispose]: () => lifecycle.stop(),
  }
}
