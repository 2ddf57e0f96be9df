import {
  createPrinterInput,
  idOf,
  loadedMaterialInput,
  pageInput,
  pageOf,
  printer,
  printerExplanation,
  printerStatusEvent,
  updatePrinterInput,
} from '@gantry/schemas'
import { z } from 'zod'

import { cache } from '../trpc/cache.js'
import { router } from '../trpc/init.js'
import { liveStream, streamOf } from '../trpc/live-stream.js'
import { procedureFor } from '../trpc/procedures.js'

const tags = ['Printers']
const byId = z.strictObject({ id: idOf('printer') })
const aboutBed = z.strictObject({
  id: idOf('printer'),
  /** Refused with `INVALID_STATE` when something else lies on the bed than since then (`status.bedSince`). */
  ifBedSince: z.date().optional(),
})

export const printersRouter = router({
  /** Printers, newest first, with their live status. */
  list: procedureFor('printers.read')
    .meta({ openapi: { method: 'GET', path: '/printers', tags, summary: 'List printers with their live status' } })
    .input(z.strictObject({ ...pageInput, groupId: idOf('printerGroup').optional() }))
    // Temperatures and progress come by no event: they are as old as the answer.
    .concat(cache({ ttl: 1, tags: ['printer', 'attempt', 'print_job'], scope: 'shared' }))
    .output(pageOf(printer))
    .query(({ ctx, input: { limit, cursor = null, groupId = null } }) =>
      ctx.services.printers.list(ctx.actor, { limit, cursor, groupId }),
    ),

  get: procedureFor('printers.read')
    .meta({ openapi: { method: 'GET', path: '/printers/{id}', tags, summary: 'One printer' } })
    .input(byId)
    .output(printer)
    .query(({ ctx, input }) => ctx.services.printers.get(ctx.actor, input.id)),

  /** What it waits for, what it has in hand, and how the jobs at the head of the queue suit it. */
  explain: procedureFor('printers.read')
    .meta({ openapi: { method: 'GET', path: '/printers/{id}/explain', tags, summary: 'What a printer waits for' } })
    .input(z.strictObject({ id: idOf('printer'), limit: z.int().min(1).max(200).default(20) }))
    .output(printerExplanation)
    .query(({ ctx, input }) => ctx.services.dispatch.explainPrinter(ctx.actor, input.id, input.limit)),

  /** Connects to the host first, unless told not to; a wrong URL or key is refused with the field named. */
  create: procedureFor('printers.manage')
    .meta({ openapi: { method: 'POST', path: '/printers', tags, summary: 'Register a printer' } })
    .input(createPrinterInput)
    .output(printer)
    .mutation(({ ctx, input }) => ctx.services.printers.create(ctx.actor, input)),

  update: procedureFor('printers.manage')
    .meta({ openapi: { method: 'PATCH', path: '/printers/{id}', tags, summary: 'Change a printer' } })
    .input(updatePrinterInput)
    .output(printer)
    .mutation(({ ctx, input }) => ctx.services.printers.update(ctx.actor, input)),

  remove: procedureFor('printers.manage')
    .meta({
      openapi: { method: 'DELETE', path: '/printers/{id}', tags, summary: 'Remove a printer; its history stays' },
    })
    .input(byId)
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.services.printers.remove(ctx.actor, input.id)),

  /** Says what is loaded, slot by slot; replaces what was said before. */
  setMaterials: procedureFor('printers.control')
    .meta({
      openapi: { method: 'PUT', path: '/printers/{id}/materials', tags, summary: 'Say which materials are loaded' },
    })
    .input(
      z.strictObject({
        id: idOf('printer'),
        materials: z.array(loadedMaterialInput).max(64),
        ifVersion: z.int().optional(),
      }),
    )
    .output(printer)
    .mutation(({ ctx, input }) => ctx.services.printers.setMaterials(ctx.actor, input)),

  /** The person at the printer says that the bed is empty. */
  clearBed: procedureFor('printers.control')
    .meta({
      openapi: { method: 'POST', path: '/printers/{id}/clear-bed', tags, summary: 'Say that the bed was cleared' },
    })
    .input(aboutBed)
    .output(printer)
    .mutation(({ ctx, input }) => ctx.services.printers.clearBed(ctx.actor, input.id, input.ifBedSince ?? null)),

  hold: procedureFor('printers.control')
    .meta({
      openapi: { method: 'POST', path: '/printers/{id}/hold', tags, summary: 'Give the printer no further jobs' },
    })
    .input(z.strictObject({ id: idOf('printer'), note: z.string().trim().min(1).max(500).optional() }))
    .output(printer)
    .mutation(({ ctx, input }) => ctx.services.printers.hold(ctx.actor, input.id, input.note ?? null)),

  release: procedureFor('printers.control')
    .meta({
      openapi: { method: 'POST', path: '/printers/{id}/release', tags, summary: 'Release every hold on the printer' },
    })
    .input(aboutBed)
    .output(printer)
    .mutation(({ ctx, input }) => ctx.services.printers.release(ctx.actor, input.id, input.ifBedSince ?? null)),

  pause: procedureFor('printers.control')
    .meta({ openapi: { method: 'POST', path: '/printers/{id}/pause', tags, summary: 'Pause the running print' } })
    .input(byId)
    .output(printer)
    .mutation(({ ctx, input }) => ctx.services.printers.command(ctx.actor, input.id, 'pause')),

  resume: procedureFor('printers.control')
    .meta({ openapi: { method: 'POST', path: '/printers/{id}/resume', tags, summary: 'Resume the paused print' } })
    .input(byId)
    .output(printer)
    .mutation(({ ctx, input }) => ctx.services.printers.command(ctx.actor, input.id, 'resume')),

  cancel: procedureFor('printers.control')
    .meta({ openapi: { method: 'POST', path: '/printers/{id}/cancel', tags, summary: 'Cancel the running print' } })
    .input(byId)
    .output(printer)
    .mutation(({ ctx, input }) => ctx.services.printers.command(ctx.actor, input.id, 'cancel')),

  emergencyStop: procedureFor('printers.control')
    .meta({
      openapi: { method: 'POST', path: '/printers/{id}/emergency-stop', tags, summary: 'Stop the machine at once' },
    })
    .input(byId)
    .output(printer)
    .mutation(({ ctx, input }) => ctx.services.printers.command(ctx.actor, input.id, 'emergency_stop')),

  /** The live status of every visible printer: all of them first, then each change. */
  onStatus: procedureFor('printers.read')
    .output(streamOf(printerStatusEvent))
    .subscription(({ ctx }) => liveStream(ctx, (signal) => ctx.services.printers.watch(ctx.actor, signal))),
})
