import { afterAll, beforeAll, expect, it } from 'vitest'

import { startAppUnderTest, uploaded, type AppUnderTest } from '../../src/testing/app-under-test.js'
import { TINY_GCODE } from '../../src/testing/tiny-gcode.js'

let app: AppUnderTest
beforeAll(async () => {
  app = await startAppUnderTest({ GANTRY_ROLES: 'api' })
})
afterAll(() => app[Symbol.asyncDispose]())

const ask = (procedure: string) =>
  fetch(`${app.url}/trpc/${procedure}?input=${encodeURIComponent('{"json":{}}')}`, { headers: app.admin.headers })
const status = (response: Response) => response.headers.get('cache-status')

/** Asks until the answer is kept. */
const warm = (procedure: string) => expect.poll(async () => status(await ask(procedure))).toBe('Gantry; hit')

it('a list that is kept shows at once what its reader has changed', { timeout: 60_000 }, async () => {
  const { trpc } = app.admin
  const file = await uploaded(app.admin, 'tiny.gcode', TINY_GCODE)
  for (let n = 1; n <= 10; n += 1) {
    await Promise.all(['printers.list', 'printJobs.list', 'projects.list'].map(warm))
    const { id } = await trpc.printers.create.mutate({
      ...{ name: `Printer ${n}`, kind: 'octoprint', url: 'http://127.0.0.1:9', checkConnection: false },
    })
    expect((await trpc.printers.list.query({})).items[0]?.id).toBe(id)
    const renamed = await trpc.printers.update.mutate({ id, name: `Renamed ${n}` })
    expect((await trpc.printers.list.query({})).items[0]?.name).toBe(renamed.name)
    const job = await trpc.printJobs.submit.mutate({ source: { fileId: file.id, copies: 1 } })
    expect((await trpc.printJobs.list.query({})).items[0]).toMatchObject({ id: job.id, state: 'queued' })
    await trpc.printJobs.cancel.mutate({ id: job.id })
    expect((await trpc.printJobs.list.query({})).items[0]?.state).toBe('cancelled')
    await trpc.printers.remove.mutate({ id })
    expect((await trpc.printers.list.query({})).items).toEqual([])
    const part = { name: 'Part', fileId: file.id, targetQuantity: 1 }
    const project = await trpc.projects.create.mutate({ name: `Project ${n}`, parts: [part] })
    expect((await trpc.projects.list.query({})).items[0]?.id).toBe(project.id)
  }
})

it('a file shows in the kept list as soon as it is stored, and is gone from it when it is removed', async () => {
  await warm('files.list')
  const file = await uploaded(app.admin, 'other.gcode', `${TINY_GCODE}\n; other`)
  expect((await app.admin.trpc.files.list.query({})).items.map(({ id }) => id)).toContain(file.id)
  await warm('files.list')
  await app.admin.trpc.files.remove.mutate({ id: file.id })
  expect((await app.admin.trpc.files.list.query({})).items.map(({ id }) => id)).not.toContain(file.id)
})

it('whoever logs out gets nothing of what is kept', async () => {
  const viewer = await app.logInAs('viewer')
  const asViewer = () =>
    fetch(`${app.url}/trpc/printers.list?input=${encodeURIComponent('{"json":{}}')}`, { headers: viewer.headers })
  await expect.poll(async () => status(await asViewer())).toBe('Gantry; hit')
  await viewer.trpc.auth.logout.mutate()
  expect((await asViewer()).status).toBe(401)
})
