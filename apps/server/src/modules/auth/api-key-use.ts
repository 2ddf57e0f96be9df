import { every, type CallOff, type Logger, type Timers, type UnitOfWork } from '../../kernel/index.js'
import type { ApiKeyRepository } from './api-keys.ports.js'

export interface ApiKeyUseDeps {
  unitOfWork: UnitOfWork<{ apiKeys: Pick<ApiKeyRepository, 'noteUse'> }>
  clock: Timers
  log: Logger
}

const FLUSH_MS = 60_000
/** Of more, the rest is written a minute later. */
const MOST_KEYS = 10_000

/** Which keys were used, written once a minute, so that no request waits for it. */
export class ApiKeyUse {
  private used = new Set<string>()
  private callOff: CallOff = () => undefined

  constructor(private readonly deps: ApiKeyUseDeps) {}

  start(): void {
    this.callOff = every(this.deps.clock, FLUSH_MS, () => void this.flush())
  }

  note(keyId: string): void {
    if (this.used.size < MOST_KEYS) this.used.add(keyId)
  }

  /** Does not throw: what cannot be written is lost. */
  async flush(): Promise<void> {
    const keyIds = [...this.used]
    this.used = new Set()
    if (keyIds.length === 0) return
    try {
      await this.deps.unitOfWork.run(({ apiKeys }) => apiKeys.noteUse(keyIds))
    } catch (err) {
      this.deps.log.warn({ err }, 'it could not be written down which API keys were used')
    }
  }

  async stop(): Promise<void> {
    this.callOff()
    await this.flush()
  }
}
