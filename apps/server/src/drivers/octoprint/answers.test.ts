import { describe, expect, it } from 'vitest'

import { DriverError } from '../../modules/printers/printer-driver.port.js'
import { errorOf, uploadErrorOf } from './answers.js'
import { productOf } from './identity.js'

const codeOf = (status: number, json: unknown, authenticate: string | null = null): string => {
  try {
    return productOf({ status, json, authenticate })
  } catch (error) {
    return error instanceof DriverError ? error.code : expect.fail(String(error))
  }
}

describe("OctoPrint's identity", () => {
  it.each([
    [200, { text: 'OctoPrint 1.11.8' }, null, 'OctoPrint 1.11.8'],
    [200, { text: 'OctoPrint 2.0.0rc3' }, null, 'OctoPrint 2.0.0rc3'],
    [200, { text: 'OctoPrint (Moonraker v0.10.0)', server: '1.5.0' }, null, 'not_recognised'],
    [200, { text: 'PrusaLink', api: '2.0.0' }, null, 'not_recognised'],
    [200, { text: 'Prusa SLA 1.0' }, null, 'not_recognised'],
    [200, { text: 17 }, null, 'not_recognised'],
    [200, undefined, null, 'not_recognised'],
    [401, { title: 'Unauthorized' }, 'Digest realm="Printer API"', 'not_recognised'],
    [401, undefined, 'Basic realm="proxy"', 'auth'],
    [403, { error: "You don't have the permission" }, null, 'auth'],
    [403, undefined, null, 'not_recognised'],
    [302, undefined, null, 'not_recognised'],
    [404, { error: 'not found' }, null, 'not_recognised'],
    [500, undefined, null, 'not_recognised'],
    [502, undefined, null, 'unreachable'],
    [503, undefined, null, 'unreachable'],
  ])('reads %i %j as %s %s', (status, json, authenticate, expected) => {
    expect(codeOf(status, json, authenticate)).toBe(expected)
  })
})

describe("OctoPrint's refusals", () => {
  it.each([
    [400, { error: 'CSRF validation failed' }, 'auth'],
    [400, { error: 'Expected valid action' }, 'rejected'],
    [401, undefined, 'auth'],
    [403, { error: 'You do not have the permission' }, 'auth'],
    [404, { error: 'File not found' }, 'not_found'],
    [409, { error: 'Printer is not operational' }, 'not_connected'],
    [409, { error: 'Printer is already printing' }, 'busy'],
    [413, undefined, 'too_large'],
    [415, { error: 'invalid type' }, 'bad_file'],
    [500, { error: 'No space left on device' }, 'storage_full'],
    [500, { error: 'Internal' }, 'protocol'],
    [502, undefined, 'unreachable'],
    [507, { error: 'full' }, 'storage_full'],
    // Pages of something in between prove nothing.
    [403, undefined, 'protocol'],
    [404, undefined, 'protocol'],
    [409, { message: 'conflict' }, 'protocol'],
    [302, undefined, 'protocol'],
  ])('reads %i %j as %s', (status, json, code) => {
    expect(errorOf({ status, json })).toMatchObject({ code, details: { httpStatus: status } })
  })

  it('reads a conflict of an upload as one of names', () => {
    expect(uploadErrorOf({ status: 409, json: { error: 'File already exists' } }).code).toBe('conflict_file')
    expect(uploadErrorOf({ status: 400, json: { error: 'bad name' } }).code).toBe('bad_file')
    expect(uploadErrorOf({ status: 415, json: { error: 'invalid type' } }).code).toBe('bad_file')
  })
})
