import { expect, it } from 'vitest'
import { z } from 'zod'

import { defineJob, handleJob } from '../kernel/jobs.js'
import { createHandlerTable } from './handler-table.js'

const job = (type: string) => defineJob({ type, version: 1, payload: z.object({}), attempts: 1, timeoutMs: 1_000 })
const handler = (type: string) => handleJob(job(type), () => Promise.resolve())

it('gives each job its handler', () => {
  const b = handler('b')
  expect(createHandlerTable([job('a'), job('b')], [handler('a'), b]).get('b')).toBe(b)
})

it('refuses missing, doubled and unknown handlers and doubled definitions, and names them all', () => {
  const make = () =>
    createHandlerTable(
      [job('a'), job('b'), job('c'), job('c')],
      [handler('b'), handler('b'), handler('c'), handler('d')],
    )
  expect(make).toThrow('job types defined twice: c; handled twice: b; without a handler: a; handled but not defined: d')
})
