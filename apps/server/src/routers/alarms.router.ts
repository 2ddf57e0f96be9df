import { alarm, alarmEvent, idOf, pageInput, pageOf } from '@gantry/schemas'
import { tracked } from '@trpc/server'
import { z } from 'zod'

import { cache } from '../trpc/cache.js'
import { router } from '../trpc/init.js'
import { liveStream, trackedStreamOf } from '../trpc/live-stream.js'
import { procedureFor } from '../trpc/procedures.js'

const tags = ['Alarms']
const byId = z.strictObject({ id: idOf('alarm') })

export const alarmsRouter = router({
  list: procedureFor('alarms.read')
    .meta({ openapi: { method: 'GET', path: '/alarms', tags, summary: 'List open alarms, newest first' } })
    .input(z.strictObject({ ...pageInput, includeCleared: z.boolean().default(false) }))
    .concat(cache({ ttl: 2, tags: ['alarm'], scope: 'shared' }))
    .output(pageOf(alarm))
    .query(({ ctx, input: { limit, cursor = null, includeCleared } }) =>
      ctx.services.alarms.list(ctx.actor, { limit, cursor, open: !includeCleared }),
    ),

  acknowledge: procedureFor('alarms.manage')
    .meta({
      openapi: { method: 'POST', path: '/alarms/{id}/acknowledge', tags, summary: 'Say that an alarm was seen' },
    })
    .input(byId)
    .output(alarm)
    .mutation(({ ctx, input }) => ctx.services.alarms.acknowledge(ctx.actor, input.id)),

  /** Says that it is dealt with. Should the cause come again, so does the alarm. */
  clear: procedureFor('alarms.manage')
    .meta({ openapi: { method: 'POST', path: '/alarms/{id}/clear', tags, summary: 'Close an alarm' } })
    .input(byId)
    .output(alarm)
    .mutation(({ ctx, input }) => ctx.services.alarms.clear(ctx.actor, input.id)),

  /** A snapshot of the open alarms, then every change; resumes after the last event's id. */
  onChange: procedureFor('alarms.read')
    .input(z.strictObject({ lastEventId: z.string().max(100).optional() }).optional())
    .output(trackedStreamOf(alarmEvent))
    .subscription(({ ctx, input }) =>
      liveStream(ctx, async function* (signal) {
        const items = ctx.services.alarms.watch(ctx.actor, input?.lastEventId ?? null, signal)
        for await (const { cursor, data } of items) yield tracked(cursor, data)
      }),
    ),
})
