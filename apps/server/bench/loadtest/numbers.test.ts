import { expect, it } from 'vitest'

import { numbersIn } from './numbers.js'

const PROCESS = `# HELP process_cpu_seconds_total Total user and system CPU time spent in seconds.
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 2.5
process_start_time_seconds 1795750000
process_resident_memory_bytes 2.5e+8
`
const OPERATIONS = `gantry_database_operation_duration_seconds_bucket{le="0.1",database="primary",model="Printer",operation="findMany",outcome="ok"} 3
gantry_database_operation_duration_seconds_sum{database="primary",model="Printer",operation="findMany",outcome="ok"} 0.5
gantry_database_operation_duration_seconds_count{database="primary",model="Printer",operation="findMany",outcome="ok"} 3
gantry_database_operation_duration_seconds_sum{database="primary",model="raw",operation="$queryRaw",outcome="failed"} 0.25
gantry_database_operation_duration_seconds_count{database="primary",model="raw",operation="$queryRaw",outcome="failed"} 1
`

it('the numbers of a server are read from its metrics, all database operations together', () => {
  expect(numbersIn(PROCESS + OPERATIONS)).toEqual({
    ...{ cpuSeconds: 2.5, startedAt: 1_795_750_000, rssBytes: 250_000_000 },
    queries: { count: 4, seconds: 0.75 },
  })
})

it('a server that does not time its database operations has none, which is not zero', () => {
  expect(numbersIn(PROCESS).queries).toBeNull()
})

it('what is no page of metrics is refused', () => {
  expect(() => numbersIn('<html>')).toThrow('/metrics tells nothing of the process.')
})
