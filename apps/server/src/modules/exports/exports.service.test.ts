import { createExportInput } from '@gantry/schemas'
import { describe, expect, it } from 'vitest'

import { openExports } from '../../testing/exports-bench.js'

describe('ordering', () => {
  it('is bounded for each user, also of orders at the same time', async () => {
    await using bench = await openExports()
    const { addUser, exports, prisma } = bench
    const [ada, eve] = [await addUser(), await addUser()]
    const input = createExportInput.parse({ kind: 'projects' })
    const orders = await Promise.allSettled([1, 2, 3, 4, 5].map(() => exports.create(ada, input)))
    const refused = orders.filter(({ status }) => status === 'rejected')
    expect(refused).toMatchObject([1, 2].map(() => ({ reason: { code: 'EXPORT_LIMIT_REACHED' } })))
    expect(await exports.create(eve, input)).toMatchObject({ state: 'queued' })
    expect(await prisma.outbox.count({ where: { type: 'DATA_EXPORT' } })).toBe(4)
  })

  it('with a key happens once, and of the farm is for admins', async () => {
    await using bench = await openExports()
    const { addUser, exports } = bench
    const ada = await addUser()
    const input = { ...createExportInput.parse({ kind: 'jobs' }), idempotencyKey: 'export-key-1' }
    const [first, second] = [await exports.create(ada, input), await exports.create(ada, input)]
    expect(second.id).toBe(first.id)
    await expect(exports.create(ada, { ...input, kind: 'full' })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    })
    const farm = createExportInput.parse({ kind: 'jobs', scope: 'farm' })
    await expect(exports.create(ada, farm)).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })
})
