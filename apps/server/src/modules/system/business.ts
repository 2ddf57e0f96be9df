import type { SystemBusiness } from '@gantry/schemas'

import type { Census, CensusOfToday } from './census.ports.js'

const share = (part: number, whole: number): number | null => (whole === 0 ? null : Math.min(1, part / whole))

/** What people ask of a farm, out of what was counted. */
export const businessOf = ([farm, today]: readonly [Census, CensusOfToday]): SystemBusiness => {
  const { usersActive, started, completed, failed, cancelled, drivenSeconds, printingSeconds } = today
  return {
    usersActive,
    printsToday: { started, completed, failed, cancelled },
    successRate: share(completed, completed + failed),
    printerUtilisation: share(printingSeconds, drivenSeconds),
    printers: Object.fromEntries(farm.printers),
    queuedCopies: farm.queuedCopies,
    oldestQueuedSeconds: farm.oldestQueuedSeconds,
    alarms: Object.fromEntries(farm.alarms),
  }
}
