import { describe, expect, it } from 'vitest'

import { terminalMessage } from './terminal-lines.js'

const context = {
  ...{
    timestamp: '2026-11-27T12:00:00.000Z',
    pid: 1,
    hostname: 'farm',
    ip: '::1',
    userAgent: 'curl/8',
    userRole: null,
  },
  ...{ requestId: '7f3c', method: 'GET', url: '/api/printers', userId: 'usr_1', sessionId: null, apiKeyId: null },
}

describe('a line in a terminal', () => {
  it('of a request is one, with what became of it', () => {
    const measured = {
      status: 404,
      durationMs: 5.6,
      bytesIn: 90,
      bytesOut: 800,
      databaseMs: 1.5,
      databaseOperations: 2,
    }
    const line = { level: 'info', msg: 'request', ...context, ...measured, procedures: ['printers.get'], cache: 'miss' }
    expect(terminalMessage({ ...line, errorCodes: ['NOT_FOUND'] })).toBe(
      'GET /api/printers 404 5.6 ms printers.get NOT_FOUND  databaseMs=1.5  databaseOperations=2  cache=miss  req=7f3c',
    )
  })

  it('of anything else has its fields, but for those that say nothing', () => {
    const fields = { printerId: 'prn_1', printerName: 'Voron 2', code: null, roles: ['api', 'fleet'], at: { x: 1 } }
    expect(terminalMessage({ level: 'info', msg: 'a printer is back', ...fields })).toBe(
      'a printer is back  printerId=prn_1  printerName="Voron 2"  roles=api,fleet  at={"x":1}',
    )
  })

  it('of an error has the stack where somebody must act, and its sentence elsewhere', () => {
    const err = { type: 'Error', message: 'no route', stack: 'Error: no route\n    at connect (a.ts:1:1)' }
    expect(terminalMessage({ level: 'error', msg: 'broken', err })).toBe(
      'broken\n    Error: no route\n        at connect (a.ts:1:1)',
    )
    expect(terminalMessage({ level: 'info', msg: 'broken', err })).toBe('broken\n    no route')
  })
})
