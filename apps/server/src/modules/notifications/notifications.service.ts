import type { EmailMessage, EmailState, Page } from '@gantry/schemas'

import { GantryError, newId, type Actor, type Primary, type UnitOfWork } from '../../kernel/index.js'
import type { UserRepository } from '../auth/auth.ports.js'
import { emailTextOf } from './email-templates.js'
import { emailNotification, type EmailContent } from './notifications.jobs.js'
import type { EmailRepository } from './notifications.ports.js'

interface Repositories {
  emails: EmailRepository
  users: Pick<UserRepository, 'get'>
}

export interface NotificationsServiceDeps {
  unitOfWork: UnitOfWork<Repositories>
  reads: Primary<Repositories>
}

/** What became of mails, and whether mail works. Who may ask is said by the procedures. */
export class NotificationsService {
  constructor(private readonly deps: NotificationsServiceDeps) {}

  emails(
    _actor: Actor,
    query: { state: EmailState | null; limit: number; cursor: string | null },
  ): Promise<Page<EmailMessage>> {
    return this.deps.reads.emails.list(query)
  }

  /** To the actor's own address. @returns the mail's id @throws GantryError `INVALID_STATE` for who has no address */
  sendTestEmail(actor: Actor): Promise<string> {
    return this.deps.unitOfWork.run(async (tx) => {
      const user = await tx.users.get(actor.id)
      if (user === null) throw new GantryError('INVALID_STATE', { params: { detail: 'only a user has an address' } })
      const content: EmailContent = { template: 'test', data: { requestedBy: user.displayName } }
      const id = newId('email')
      const key = `test:${id}`
      const jobId = tx.jobs.add(emailNotification, { to: user.email, key, content })
      const { subject } = emailTextOf(content)
      await tx.emails.order({ id, key, to: user.email, template: content.template, subject, jobId })
      return id
    })
  }
}
