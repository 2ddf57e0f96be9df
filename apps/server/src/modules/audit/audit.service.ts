import type { AuditEntry, Page } from '@gantry/schemas'

import type { Actor, AnyReads } from '../../kernel/index.js'
import type { AuditQuery, AuditRepository } from './audit.ports.js'

export interface AuditServiceDeps {
  lists: AnyReads<{ audit: Pick<AuditRepository, 'list'> }>
}

/** What people see of the audit log. */
export class AuditService {
  constructor(private readonly deps: AuditServiceDeps) {}

  /** Newest first, sealed entries alone. @throws GantryError `VALIDATION_FAILED` */
  list(actor: Actor, query: AuditQuery): Promise<Page<AuditEntry>> {
    return this.deps.lists.read(actor, ({ audit }) => audit.list(actor, query))
  }
}
