import { newId } from '../../src/kernel/index.js'
import { PASSWORD, type Caller } from '../../src/testing/app-under-test.js'
import { CHANGES_OF_PEOPLE } from './audit-changes-of-people.js'
import { ADMIN_EMAIL } from './audit-people.js'
import { nothing, type Change, type Stage } from './audit-stage.js'

const ofQueue = { prepare: nothing, target: 'job_queue', events: ['job_queue.changed'] }
const ofSchedule = { prepare: nothing, target: 'job_schedule', events: ['job_schedule.changed'] }
const ofPrinter = { prepare: ({ printer }: Stage) => printer(), target: 'printer' }
/** Nobody drives the printer, so that the order is not carried out: the log tells of orders. */
const order = (act: (trpc: Caller['trpc'], id: string) => Promise<unknown>): Change => ({
  ...{ ...ofPrinter, changes: ['printer_command insert'] },
  act: (trpc, id) => act(trpc, id).catch(() => undefined),
})

/** Each procedure that changes something, and what its one entry says. */
export const CHANGES: Readonly<Record<string, Change>> = {
  ...CHANGES_OF_PEOPLE,
  'alarms.acknowledge': {
    ...{ prepare: ({ alarm }) => alarm(), target: 'alarm', events: ['alarm.acknowledged'], changes: ['alarm update'] },
    act: (trpc, id) => trpc.alarms.acknowledge.mutate({ id }),
  },
  'alarms.clear': {
    ...{ prepare: ({ alarm }) => alarm(), target: 'alarm', events: ['alarm.cleared'], changes: ['alarm update'] },
    act: (trpc, id) => trpc.alarms.clear.mutate({ id }),
  },
  'attempts.resolve': {
    prepare: ({ attempt }) => attempt('unknown'),
    act: (trpc, id) => trpc.attempts.resolve.mutate({ id, printed: false }),
    target: 'attempt',
  },
  'attempts.reassign': {
    prepare: ({ attempt }) => attempt('claimed'),
    act: (trpc, id) => trpc.attempts.reassign.mutate({ id }),
    target: 'attempt',
  },
  'auth.login': {
    ...{ prepare: nothing, target: 'session', events: ['session.started'], changes: ['session insert'] },
    act: (_trpc, _id, { app }) => app.nobody.trpc.auth.login.mutate({ email: ADMIN_EMAIL, password: PASSWORD }),
  },
  'auth.logout': {
    ...{ prepare: ({ loggedIn }) => loggedIn(), by: 'themselves' },
    ...{ target: 'session', events: ['session.ended'], changes: ['session update'] },
    act: (_trpc, id, { person }) => person(id).trpc.auth.logout.mutate(),
  },
  'auth.setAnalyticsOptOut': {
    ...{ prepare: nothing, target: 'user', changes: ['app_user update'] },
    act: (trpc) => trpc.auth.setAnalyticsOptOut.mutate({ optOut: true }),
  },
  'exports.create': {
    ...{ prepare: nothing, target: 'export', changes: ['data_export insert'] },
    act: (trpc) => trpc.exports.create.mutate({ kind: 'projects' }),
  },
  'exports.remove': {
    prepare: nothing,
    act: async (trpc) => {
      const { id } = (await trpc.exports.list.query({})).items[0]!
      await trpc.exports.remove.mutate({ id })
    },
    ...{ target: 'export', changes: ['data_export update'] },
  },
  'files.upload': {
    ...{ prepare: nothing, target: 'file', events: ['file.created'] },
    act: (_trpc, _id, { file }) => file(),
    changes: ['print_file insert', 'file_version insert'],
  },
  'files.remove': {
    ...{
      prepare: ({ file }) => file(),
      target: 'file',
      events: ['file.removed'],
      changes: ['print_file update', 'file_version delete'],
    },
    act: (trpc, id) => trpc.files.remove.mutate({ id }),
  },
  'jobs.pauseQueue': {
    ...{ ...ofQueue, changes: ['job_queue insert'] },
    act: (trpc) => trpc.jobs.pauseQueue.mutate({ queue: 'cache-warmup' }),
  },
  'jobs.resumeQueue': { ...ofQueue, act: (trpc) => trpc.jobs.resumeQueue.mutate({ queue: 'cache-warmup' }) },
  'jobs.pauseSchedule': {
    ...{ ...ofSchedule, changes: ['job_schedule update'] },
    act: (trpc) => trpc.jobs.pauseSchedule.mutate({ type: 'CACHE_WARMUP' }),
  },
  'jobs.resumeSchedule': {
    ...{ ...ofSchedule, changes: ['job_schedule update'] },
    act: (trpc) => trpc.jobs.resumeSchedule.mutate({ type: 'CACHE_WARMUP' }),
  },
  'jobs.runSchedule': { ...ofSchedule, act: (trpc) => trpc.jobs.runSchedule.mutate({ type: 'CACHE_WARMUP' }) },
  'jobs.retry': {
    ...{ prepare: ({ deadJob }) => deadJob(), target: 'job', events: ['job.changed'] },
    act: (trpc, id) => trpc.jobs.retry.mutate({ id }),
  },
  'jobs.retryAll': {
    ...{ ...ofQueue, prepare: ({ deadJob }) => deadJob('USER_ANALYTICS') },
    act: (trpc) => trpc.jobs.retryAll.mutate({ type: 'USER_ANALYTICS' }),
  },
  'jobs.discard': {
    ...{ prepare: ({ deadJob }) => deadJob(), target: 'job', events: ['job.changed'] },
    act: (trpc, id) => trpc.jobs.discard.mutate({ id }),
  },
  'jobs.discardAll': {
    ...{ ...ofQueue, prepare: ({ deadJob }) => deadJob('METRICS_AGGREGATION') },
    act: (trpc) => trpc.jobs.discardAll.mutate({ type: 'METRICS_AGGREGATION' }),
  },
  'jobs.cleanup': {
    ...{ ...ofQueue, prepare: ({ deadJob }) => deadJob() },
    act: (trpc) => trpc.jobs.cleanup.mutate({ olderThanHours: 1, states: ['failed'] }),
  },
  'notifications.sendTestEmail': {
    ...{ prepare: nothing, target: 'mail', changes: ['outbox insert'] },
    act: (trpc) => trpc.notifications.sendTestEmail.mutate(),
  },
  'printJobs.submit': {
    ...{ prepare: ({ file }) => file(), target: 'print_job', events: ['print_job.created'] },
    act: (trpc, fileId) => trpc.printJobs.submit.mutate({ source: { fileId, copies: 1 } }),
    changes: ['print_job insert'],
  },
  'printJobs.update': {
    ...{ prepare: ({ job }) => job(), target: 'print_job', changes: ['print_job update'] },
    act: (trpc, id) => trpc.printJobs.update.mutate({ id, priority: 7 }),
  },
  'printJobs.cancel': {
    ...{ prepare: ({ job }) => job(), target: 'print_job', changes: ['print_job update'] },
    act: (trpc, id) => trpc.printJobs.cancel.mutate({ id }),
  },
  'printJobs.release': {
    ...{ prepare: ({ heldJob }) => heldJob(), target: 'print_job', events: ['print_job.changed'] },
    act: (trpc, id) => trpc.printJobs.release.mutate({ id }),
  },
  'printers.create': {
    ...{ prepare: nothing, target: 'printer', events: ['printer.created'] },
    act: (_trpc, _id, { printer }) => printer(),
    changes: ['printer insert'],
  },
  'printers.update': {
    ...{ ...ofPrinter, events: ['printer.updated'], changes: ['printer update'] },
    act: (trpc, id, { name }) => trpc.printers.update.mutate({ id, name: name(), checkConnection: false }),
  },
  'printers.remove': {
    ...{ ...ofPrinter, events: ['printer.removed'], changes: ['printer update'] },
    act: (trpc, id) => trpc.printers.remove.mutate({ id }),
  },
  'printers.setMaterials': {
    ...ofPrinter,
    act: (trpc, id) => trpc.printers.setMaterials.mutate({ id, materials: [{ slot: 0, material: 'PLA' }] }),
  },
  'printers.clearBed': {
    ...{ ...ofPrinter, events: ['printer.bed_changed'], changes: ['printer_runtime update'] },
    act: (trpc, id) => trpc.printers.clearBed.mutate({ id }),
  },
  'printers.hold': {
    ...{ ...ofPrinter, events: ['printer.held'], changes: ['hold insert'] },
    act: (trpc, id) => trpc.printers.hold.mutate({ id, note: 'to be looked at' }),
  },
  'printers.release': {
    prepare: async ({ printer, app: { prisma } }) => {
      const { id } = await printer()
      const about = { subject: 'printer', printerId: id, code: 'HELD_BY_USER', params: {} } as const
      await prisma.hold.create({ data: { id: newId('hold'), ...about } })
      return { id }
    },
    act: (trpc, id) => trpc.printers.release.mutate({ id }),
    ...{ target: 'printer', events: ['printer.released'], changes: ['hold update'] },
  },
  'printers.pause': order((trpc, id) => trpc.printers.pause.mutate({ id })),
  'printers.resume': order((trpc, id) => trpc.printers.resume.mutate({ id })),
  'printers.cancel': order((trpc, id) => trpc.printers.cancel.mutate({ id })),
  'printers.emergencyStop': order((trpc, id) => trpc.printers.emergencyStop.mutate({ id })),
  'projects.create': {
    ...{ prepare: nothing, target: 'project', events: ['project.created'] },
    act: (_trpc, _id, { project }) => project(),
    changes: ['project insert', 'project_member insert'],
  },
  'projects.update': {
    ...{ prepare: ({ project }) => project(), target: 'project', events: ['project.updated'] },
    act: (trpc, id, { name }) => trpc.projects.update.mutate({ id, name: name() }),
    changes: ['project update'],
  },
  'projects.remove': {
    ...{ prepare: ({ project }) => project(), target: 'project', events: ['project.deleted'] },
    act: (trpc, id) => trpc.projects.remove.mutate({ id }),
    changes: ['project update'],
  },
  'projects.addPart': {
    ...{ prepare: ({ project }) => project(), target: 'project', events: ['project.updated'] },
    act: async (trpc, id, { name }) => {
      const { id: fileId } = (await trpc.files.list.query({})).items[0]!
      return trpc.projects.addPart.mutate({ id, name: name(), fileId, targetQuantity: 1 })
    },
    changes: ['project_part insert', 'project update'],
  },
  'system.setCacheStrategy': {
    ...{ prepare: nothing, target: 'cache', events: ['cache.strategy_changed'] },
    act: (trpc) => trpc.system.setCacheStrategy.mutate({ strategy: 'swr' }),
  },
  'system.setLogLevel': {
    ...{ prepare: nothing, target: 'log_level', events: ['log_level.changed'] },
    act: (trpc) => trpc.system.setLogLevel.mutate({ level: 'debug', minutes: 1 }),
  },
  'webhooks.create': {
    ...{ prepare: nothing, target: 'webhook', events: ['webhook.created'], changes: ['webhook insert'] },
    act: (_trpc, _id, { webhook }) => webhook(),
  },
  'webhooks.update': {
    ...{ prepare: ({ webhook }) => webhook(), target: 'webhook', events: ['webhook.updated'] },
    act: (trpc, id) => trpc.webhooks.update.mutate({ id, description: 'Another' }),
    changes: ['webhook update'],
  },
  'webhooks.remove': {
    ...{ prepare: ({ webhook }) => webhook(), target: 'webhook', events: ['webhook.removed'] },
    act: (trpc, id) => trpc.webhooks.remove.mutate({ id }),
  },
  'webhooks.rotateSecret': {
    ...{ prepare: ({ webhook }) => webhook(), target: 'webhook', events: ['webhook.updated'] },
    act: (trpc, id) => trpc.webhooks.rotateSecret.mutate({ id }),
    changes: ['webhook update'],
  },
  'webhooks.test': {
    ...{ prepare: ({ webhook }) => webhook(), target: 'webhook_delivery', changes: ['webhook_delivery insert'] },
    act: (trpc, id) => trpc.webhooks.test.mutate({ id }),
  },
  'webhooks.redeliver': {
    prepare: ({ delivery }) => delivery(),
    act: (trpc, id) => trpc.webhooks.redeliver.mutate({ id }),
    ...{ target: 'webhook_delivery', changes: ['webhook_delivery update'] },
  },
}
