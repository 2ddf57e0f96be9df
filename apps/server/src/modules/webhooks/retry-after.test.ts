import { expect, it } from 'vitest'

import { JobPostponed } from '../../kernel/index.js'
import { admin, fileRemoved, openWebhookBench } from './testing/webhook-bench.js'
import { openReceiver } from './testing/webhook-receiver.js'

const HOUR_MS = 3_600_000
/** A date has no more than seconds, and what it is counted from is read a moment apart. */
const ABOUT_MS = 5_000

it('a receiver that says when it takes more is left alone until then, at most as long as the longest pause', async () => {
  await using bench = await openWebhookBench()
  await using receiver = await openReceiver()
  const { id } = await bench.create(receiver.url)
  await bench.record(fileRemoved('fil_1'))
  await bench.fanOutAll()
  const answers: [status: number, header: string, pauseMs: number, askedMs: number][] = [
    [429, '120', 120_000, 120_000],
    [503, new Date(Date.now() + HOUR_MS).toUTCString(), HOUR_MS, HOUR_MS],
    [429, '999999999', 6 * HOUR_MS, 6 * HOUR_MS],
    // Shorter than the pause, of the past, of another status, or not understood: the pause of the schedule.
    [503, '1', 80_000, 1_000],
    [429, new Date(0).toUTCString(), 160_000, 0],
    [500, '7200', 320_000, 0],
    [429, 'soon', 640_000, 0],
    [503, '2999-11-27T12:00:00Z', 1_280_000, 0],
  ]
  for (const [n, [status, header, pauseMs, askedMs]] of answers.entries()) {
    receiver.answer = (response) => response.writeHead(status, { 'retry-after': header }).end()
    const [error] = await bench.deliverAll(n + 1)
    if (!(error instanceof JobPostponed)) throw new Error(`the try ${n + 1} is not made again`)
    const [delivery] = await bench.deliveriesOf(id)
    expect(delivery).toMatchObject({ state: 'pending', attempts: n + 1, lastStatus: status })
    const nextMs = (delivery?.nextTryAt?.getTime() ?? 0) - (delivery?.lastTriedAt?.getTime() ?? 0)
    expect(Math.abs(nextMs - pauseMs), `${status} ${header}`).toBeLessThan(ABOUT_MS)
    expect(Math.abs(error.pauseMs - askedMs), `${status} ${header}`).toBeLessThan(ABOUT_MS)
  }
  expect(await bench.webhooks.get(admin, id)).toMatchObject({ enabled: true, consecutiveFailures: answers.length })
})
