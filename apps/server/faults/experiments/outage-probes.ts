import { setTimeout as sleep } from 'node:timers/promises'

import { eventually } from '../eventually.js'
import type { Experiment, Trial } from '../experiment.js'
import type { GantryInstance } from '../farm/gantry-instance.js'
import { ONE_FOR_ALL } from '../farm/materials.js'

const HELD_MS = 30_000
const ASK_EVERY_MS = 100
/** As Kubernetes waits for a probe by default. */
const PROBE_MS = 1_000
const BACK_MS = 30_000

const statusOf = async ({ address }: GantryInstance, path: string, withinMs: number): Promise<number | string> => {
  if (address === null) return 'it is down'
  try {
    const url = `http://${address.host}:${address.port}${path}`
    const response = await fetch(url, { signal: AbortSignal.timeout(withinMs) })
    await response.text()
    return response.status
  } catch (error) {
    return String(error)
  }
}

/** Asks whether an instance lives, ten times a second. @returns how often it was asked, and what was not 200 */
const probeUntil = async (instance: GantryInstance, withinMs: number, isOver: () => boolean) => {
  const failures: (number | string)[] = []
  let probes = 0
  while (!isOver()) {
    const status = await statusOf(instance, '/healthz', withinMs)
    probes += 1
    if (status !== 200) failures.push(status)
    await sleep(ASK_EVERY_MS)
  }
  return { probes, failures }
}

const stopBoth = async ({ farm, struck, disturbed }: Trial): Promise<void> => {
  const { postgres, instances, layers } = farm
  const readiness = () => Promise.all(instances.map((instance) => statusOf(instance, '/ready', BACK_MS)))
  await Promise.all([postgres.crash(), layers.redis.kill()])
  const beganMs = performance.now()
  await eventually('nobody is ready', async () => (await readiness()).every((status) => status === 503))
  await sleep(Math.max(0, HELD_MS - (performance.now() - beganMs)))
  await Promise.all([postgres.boot(), layers.redis.restart()])
  struck('both stopped for 30 s')
  disturbed()
  const isBack = async () => (await readiness()).every((status) => status === 200)
  await eventually('all are ready', isBack, { withinMs: BACK_MS })
}

export const outageProbes: Experiment = {
  name: 'outage-probes',
  sentence: 'PostgreSQL and Redis are stopped for 30 s: nobody is ready, and no probe of a living process fails',
  farm: { instances: 2, octoprint: 2, moonraker: 2, speed: 50, stock: ONE_FOR_ALL, shape: 'replicated' },
  orders: { copies: 8, copiesPerJob: 4, print: { machineSeconds: 200 } },
  faults: { 'both stopped for 30 s': 1, probes: 200 },
  run: async (trial) => {
    const { farm, struck } = trial
    let isOver = false
    const withinMs = PROBE_MS * farm.slowness
    const probing = farm.instances.map((instance) => probeUntil(instance, withinMs, () => isOver))
    try {
      await stopBoth(trial)
    } finally {
      isOver = true
      await Promise.all(probing)
    }
    for (const { probes, failures } of await Promise.all(probing)) {
      struck('probes', probes)
      if (failures.length > 0) throw new Error(`${failures.length} of ${probes} probes failed: ${failures[0]}`)
    }
  },
}
