import type { AuditEntry } from '@gantry/schemas'
import { expect } from 'vitest'

import type { AppUnderTest } from './app-under-test.js'

/** Waits until whatever was changed so far stands in the audit log. */
export const sealed = ({ prisma }: Pick<AppUnderTest, 'prisma'>): Promise<void> =>
  expect.poll(() => prisma.auditChange.count(), { timeout: 20_000, interval: 20 }).toBe(0)

/** The entries that this makes, oldest first. */
export const entriesOf = async (app: AppUnderTest, act: () => Promise<unknown>): Promise<AuditEntry[]> => {
  const { list } = app.admin.trpc.audit
  await sealed(app)
  const before = (await list.query({ limit: 1 })).items[0]?.seq ?? 0
  await act()
  await sealed(app)
  const entries: AuditEntry[] = []
  let cursor: string | null = null
  do {
    const page: { items: AuditEntry[]; nextCursor: string | null } = await list.query({
      limit: 200,
      ...(cursor !== null && { cursor }),
    })
    entries.push(...page.items.filter(({ seq }) => seq > before))
    cursor = page.items.every(({ seq }) => seq > before) ? page.nextCursor : null
  } while (cursor !== null)
  return entries.reverse()
}
