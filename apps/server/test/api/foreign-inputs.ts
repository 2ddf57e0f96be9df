import { newId } from '../../src/kernel/index.js'
import { PASSWORD } from '../../src/testing/app-under-test.js'
import type { Shop } from './two-shops.js'

/** What is somebody else's, or nobody's. */
export type Ids = Shop & { exportId: string; apiKeyId: string; sessionId: string; identityId: string }

interface Foreign {
  input: object
  /** A filter finds nothing; all others are `NOT_FOUND`. */
  finds?: 'nothing'
}

const DAY_MS = 86_400_000
const days = () => ({ from: new Date(Date.now() - DAY_MS), to: new Date(Date.now() + DAY_MS) })

const byId =
  (name: keyof Ids, more: object = {}) =>
  (ids: Ids): Foreign[] => [{ input: { id: ids[name], ...more } }]

const RESTING = { kind: 'octoprint', url: 'http://127.0.0.1:9', checkConnection: false }
const KEY = { password: PASSWORD, name: 'key', scopes: ['files.read'] }

/** How each procedure that takes ids is asked for what the caller may not see; `mine` is what the caller may. */
export const FOREIGN: Readonly<Record<string, (ids: Ids, mine: Shop) => Foreign[]>> = {
  'alarms.acknowledge': byId('alarmId'),
  'alarms.clear': byId('alarmId'),
  'apiKeys.create': ({ groupId, projectId }) => [
    { input: { ...KEY, printerGroupIds: [groupId] } },
    { input: { ...KEY, projectIds: [projectId] } },
  ],
  'apiKeys.revoke': byId('apiKeyId'),
  'attempts.get': byId('attemptId'),
  'attempts.resolve': byId('attemptId', { printed: true }),
  'attempts.reassign': ({ attemptId, printerId }, mine) => [
    { input: { id: attemptId } },
    { input: { id: mine.attemptId, printerId } },
  ],
  'exports.get': byId('exportId'),
  'exports.remove': byId('exportId'),
  'files.get': byId('fileId'),
  'files.versions': byId('fileId'),
  'files.remove': byId('fileId'),
  'printers.list': ({ groupId }) => [{ input: { groupId }, finds: 'nothing' }],
  'printers.get': byId('printerId'),
  'printers.explain': byId('printerId'),
  'printers.create': ({ groupId }) => [{ input: { ...RESTING, name: 'new', groupId } }],
  'printers.update': ({ printerId, groupId }, mine) => [
    { input: { id: printerId, name: 'changed' } },
    { input: { id: mine.printerId, groupId } },
  ],
  'printers.remove': byId('printerId'),
  'printers.setMaterials': byId('printerId', { materials: [] }),
  'printers.clearBed': byId('printerId'),
  'printers.hold': byId('printerId'),
  'printers.release': byId('printerId'),
  'printers.pause': byId('printerId'),
  'printers.resume': byId('printerId'),
  'printers.cancel': byId('printerId'),
  'printers.emergencyStop': byId('printerId'),
  'identities.unlink': byId('identityId', { password: PASSWORD }),
  'printJobs.list': ({ projectId }) => [{ input: { projectId }, finds: 'nothing' }],
  'printJobs.get': byId('jobId'),
  'printJobs.submit': ({ partId, fileId, groupId }, mine) => [
    { input: { source: { partId } } },
    { input: { source: { fileId, copies: 1 } } },
    { input: { source: { fileId: mine.fileId, copies: 1 }, printerGroupIds: [groupId] } },
  ],
  'printJobs.explain': byId('jobId'),
  'printJobs.attempts': byId('jobId'),
  'printJobs.update': byId('jobId', { priority: 3 }),
  'printJobs.cancel': byId('jobId'),
  'printJobs.release': byId('jobId'),
  'projects.get': byId('projectId'),
  'projects.update': byId('projectId', { name: 'changed' }),
  'projects.remove': byId('projectId'),
  'projects.addPart': ({ projectId, fileId }, mine) => [
    { input: { id: projectId, name: 'part', fileId: mine.fileId, targetQuantity: 1 } },
    { input: { id: mine.projectId, name: 'part', fileId, targetQuantity: 1 } },
  ],
  'sessions.revoke': byId('sessionId'),
  'statistics.prints': ({ printerId, projectId }) => [
    { input: { ...days(), printerId }, finds: 'nothing' },
    { input: { ...days(), projectId }, finds: 'nothing' },
  ],
  'statistics.printers': ({ printerId }) => [{ input: { ...days(), printerId }, finds: 'nothing' }],
  'statistics.filament': ({ printerId }) => [{ input: { ...days(), printerId }, finds: 'nothing' }],
}

const user = (more: object = {}) => ({ input: { id: newId('user'), ...more } })
const webhook = (more: object = {}) => ({ input: { id: newId('webhook'), ...more } })
const role = (more: object = {}) => ({ input: { id: newId('role'), ...more } })

/** How each that is about the whole farm is asked for what there is not. */
export const UNKNOWN: Readonly<Record<string, Foreign>> = {
  'projects.create': {
    input: { name: 'new', parts: [{ name: 'part', fileId: newId('file'), targetQuantity: 1 }] },
  },
  'roles.assign': { input: { userId: newId('user'), role: 'viewer' } },
  'roles.remove': role(),
  'roles.update': role({ name: 'changed' }),
  'secondFactor.reset': user(),
  'statistics.userActivity': {
    input: { userId: newId('user'), fromDay: '2026-01-01', toDay: '2026-01-02' },
    finds: 'nothing',
  },
  'userScopes.get': { input: { userId: newId('user') } },
  'userScopes.set': { input: { userId: newId('user'), printers: null, projectIds: null } },
  'users.apiKeys': user(),
  'users.delete': user({ waiveExport: true }),
  'users.disable': user(),
  'users.enable': user(),
  'users.get': user(),
  'users.getExport': user({ exportId: newId('export') }),
  'users.identities': user(),
  'users.orderExport': user(),
  'users.revokeSession': user({ sessionId: newId('session') }),
  'users.revokeSessions': user(),
  'users.sendPasswordLink': user(),
  'users.sessions': user(),
  'users.unlinkIdentity': user({ identityId: newId('identity') }),
  'users.update': user({ displayName: 'changed' }),
  'webhooks.deliveries': webhook(),
  'webhooks.get': webhook(),
  'webhooks.redeliver': { input: { id: newId('webhookDelivery') } },
  'webhooks.remove': webhook(),
  'webhooks.rotateSecret': webhook(),
  'webhooks.test': webhook(),
  'webhooks.update': webhook({ description: 'changed' }),
}
