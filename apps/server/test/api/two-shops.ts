import type { setUserScopeInput, UserRole } from '@gantry/schemas'
import type { z } from 'zod'

import { newId } from '../../src/kernel/index.js'
import { startAppUnderTest, uploaded, type AppUnderTest, type Caller } from '../../src/testing/app-under-test.js'
import { zigzagGcode } from '../../src/testing/tiny-gcode.js'

const RESTING = { kind: 'octoprint', url: 'http://127.0.0.1:9', checkConnection: false } as const

/** Everything that a scope may keep somebody from, one of each. */
export interface Shop {
  groupId: string
  locationId: string
  printerId: string
  projectId: string
  partId: string
  fileId: string
  fileVersionId: string
  fileName: string
  jobId: string
  attemptId: string
  alarmId: string
}

/** A location with a group and a printer, a project with a part, its file and a job that is at the printer, and an alarm. */
const openShop = async ({ admin, prisma }: AppUnderTest, name: string): Promise<Shop> => {
  const [locationId, groupId] = [newId('location'), newId('printerGroup')]
  await prisma.location.create({ data: { id: locationId, name } })
  await prisma.printerGroup.create({ data: { id: groupId, name, locationId } })
  const { trpc } = admin
  const printer = await trpc.printers.create.mutate({ ...RESTING, name: `${name} printer`, groupId })
  const fileName = `${name}.gcode`
  const file = await uploaded(admin, fileName, `; ${name}\n${zigzagGcode(30)}`)
  const part = { name: `${name} part`, fileId: file.id, targetQuantity: 5 }
  const project = await trpc.projects.create.mutate({ name: `${name} project`, parts: [part] })
  const partId = project.parts[0]?.id ?? ''
  const job = await trpc.printJobs.submit.mutate({ source: { partId, copies: 2 } })
  const [attemptId, alarmId] = [newId('attempt'), newId('alarm')]
  const at = { jobId: job.id, copyNumber: 1, printerId: printer.id }
  await prisma.attempt.create({
    data: { ...at, id: attemptId, leaseEpoch: 1, bedBefore: 'clear', remoteName: attemptId, state: 'unknown' },
  })
  const about = { subjectType: 'attempt', subjectId: attemptId, params: { printerId: printer.id, detail: name } }
  await prisma.alarm.create({ data: { ...about, id: alarmId, code: 'PRINTER_LOST', severity: 'warning' } })
  return {
    ...{ groupId, locationId, printerId: printer.id, projectId: project.id, partId, fileId: file.id, fileName },
    ...{ fileVersionId: file.latest.id, jobId: job.id, attemptId, alarmId },
  }
}

/** One installation in which two shops work. */
export class TwoShops implements AsyncDisposable {
  private constructor(
    readonly app: AppUnderTest,
    readonly mine: Shop,
    readonly theirs: Shop,
  ) {}

  static async open(): Promise<TwoShops> {
    const app = await startAppUnderTest({ GANTRY_ROLES: 'api,worker' })
    return new TwoShops(app, await openShop(app, 'mine'), await openShop(app, 'theirs'))
  }

  /** Somebody of this role who sees one shop alone. */
  async scoped(role: UserRole, shop = this.mine): Promise<Caller & { userId: string }> {
    const caller = await this.app.logInAs(role)
    const { id: userId } = await caller.trpc.auth.me.query()
    await this.narrow(userId, { printers: { groupIds: [shop.groupId] }, projectIds: [shop.projectId] })
    return { ...caller, userId }
  }

  narrow(userId: string, to: Omit<z.input<typeof setUserScopeInput>, 'userId'>) {
    return this.app.admin.trpc.userScopes.set.mutate({ userId, ...to })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app[Symbol.asyncDispose]()
  }
}
