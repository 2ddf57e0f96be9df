import type { Stoppable } from '../kernel/lifecycle.js'
import { readMigrations } from './migrate/migration-files.js'
import { missingMigrations, type Recorded } from './migrate/up-to-date.js'
import type { Probe } from './replicas/probe.js'

/**
 * Tells whether the database is there and right, on a connection of its own: a question that stands in line behind too many
 * requests would take every instance out of service, and leave their requests to the next.
 */
export class Lookout implements Stoppable {
  private constructor(
    private readonly probe: Probe,
    private readonly migrations: Awaited<ReturnType<typeof readMigrations>>,
  ) {}

  /** @param prismaFolder with the migrations of this version */
  static async open(probe: Probe, prismaFolder: string): Promise<Lookout> {
    return new Lookout(probe, await readMigrations(prismaFolder))
  }

  /** @throws what pg throws when there is no answer in time */
  async reach(): Promise<void> {
    await this.probe.query('SELECT 1')
  }

  /** Those of this version that the database lacks by now. @throws the same */
  missingMigrations(): Promise<string[]> {
    return missingMigrations((sql) => this.probe.query<Recorded>(sql), this.migrations)
  }

  stop(): Promise<void> {
    return this.probe.close()
  }
}
