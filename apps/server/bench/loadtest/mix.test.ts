import { expect, it } from 'vitest'

import type { Visitor } from './api.js'
import { mixOf, ordersOf, type Known } from './mix.js'

const KNOWN: Known = {
  printers: [{ id: 'prn_1', name: 'One' }],
  jobIds: ['job_1'],
  fileIds: ['fil_1'],
  nextJobs: 'next',
}
const VISITORS: Visitor[] = [
  { token: 'a', role: 'admin' },
  { token: 'o', role: 'operator' },
  { token: 'v', role: 'viewer' },
]

const drawn = (count: number, writes: Parameters<typeof mixOf>[1]) => {
  const next = ordersOf(mixOf(KNOWN, writes))
  return Array.from({ length: count }, () => next(VISITORS))
}

it('a hundred requests are asked by their weight, and come in the same order for every server', () => {
  const orders = drawn(100, 'farm')
  expect(drawn(100, 'farm')).toEqual(orders)
  const count = (kind: string) => orders.filter((order) => order.kind === kind).length
  expect(count('printers.list')).toBe(15)
  expect(count('printJobs.submit')).toBe(2)
  expect(count('PATCH /api/printers/{id}')).toBe(1)
})

it('whoever asks may', () => {
  const orders = drawn(1_000, 'farm')
  const askers = (kind: string) => [...new Set(orders.filter((order) => order.kind === kind).map(({ token }) => token))]
  expect(askers('printers.list').sort()).toEqual(['a', 'o', 'v'])
  expect(askers('printJobs.submit').sort()).toEqual(['a', 'o'])
  expect(askers('PATCH /api/printers/{id}')).toEqual(['a'])
})

it('a running farm is only read, unless projects may be made in it', () => {
  expect(drawn(200, 'none').every(({ method }) => method === 'GET')).toBe(true)
  const writes = drawn(200, 'projects').filter(({ method }) => method !== 'GET')
  expect([...new Set(writes.map(({ kind }) => kind))]).toEqual(['projects.create'])
})

it('what a farm does not have yet is not asked for', () => {
  const kinds = mixOf({ printers: [], jobIds: [], fileIds: [], nextJobs: null }, 'none').map(({ name }) => name)
  expect(kinds).toContain('printJobs.list')
  expect(kinds).not.toContain('printJobs.get')
  expect(kinds).not.toContain('printJobs.list, second page')
})
