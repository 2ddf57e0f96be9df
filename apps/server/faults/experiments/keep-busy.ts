import { setTimeout as sleep } from 'node:timers/promises'

import type { Trial } from '../experiment.js'

const COPIES_PER_JOB = 10
const LOOK_MS = 500

/** Orders more whenever fewer than `open` copies are left to print, until `isOver`. */
export const keepBusy = async (
  { customer, ended }: Trial,
  open: number,
  isOver: () => boolean | Promise<boolean>,
): Promise<void> => {
  while (!(await isOver())) {
    const left = customer.copies - (await ended())
    if (left < open) await customer.order(COPIES_PER_JOB)
    else await sleep(LOOK_MS)
  }
}
