/**
 * The server with shorter leases, in the same proportions, for experiments in which many leases have to end one after
 * the other. Nothing else is different.
 */
import { FLEET_ROLE_TIMINGS } from '../../src/app/fleet-role.js'
import { welcome } from '../../src/app/welcome.js'
import { createApp } from '../../src/app.js'
import { loadConfig } from '../../src/config/config.js'
import { SHORT_LEASE_SECONDS } from './short-lease.js'

const { leases } = FLEET_ROLE_TIMINGS
const share = SHORT_LEASE_SECONDS / leases.leaseSeconds
const short = {
  ...leases,
  leaseSeconds: SHORT_LEASE_SECONDS,
  marginMs: leases.marginMs * share,
  renewEveryMs: leases.renewEveryMs * share,
}
const app = createApp(loadConfig(), { timings: { ...FLEET_ROLE_TIMINGS, leases: short } })
process.on('SIGTERM', () => void app.stop().then(() => process.exit(0)))
process.stderr.write(welcome(await app.start()))
