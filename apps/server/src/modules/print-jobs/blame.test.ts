import { describe, expect, it } from 'vitest'

import { blameFor } from './blame.js'

const upload = (driverCode: string) => blameFor({ code: 'UPLOAD_FAILED', params: { driverCode, detail: '' } })

describe('whose fault it is that a copy was given back', () => {
  it('is the file’s when no printer will take it, so that it does not hold one printer after the other', () => {
    expect(upload('bad_file')).toEqual({ on: 'file', needsPerson: true })
    expect(upload('too_large').on).toBe('file')
    expect(blameFor({ code: 'FILE_UNAVAILABLE', params: { fileVersionId: 'fvr' } }).on).toBe('file')
  })

  it('is the printer’s when it has no room or refuses us, which a person must mend', () => {
    for (const code of ['storage_full', 'auth', 'unsupported'])
      expect(upload(code)).toEqual({ on: 'printer', needsPerson: true })
  })

  it('is the printer’s, to be tried again after a rest, for all else that it did', () => {
    expect(upload('timeout')).toEqual({ on: 'printer', needsPerson: false })
    expect(blameFor({ code: 'START_NOT_CONFIRMED', params: { attemptId: 'att' } }).on).toBe('printer')
  })

  it('is nobody’s when the job was cancelled or the server went away', () => {
    expect(blameFor({ code: 'CANCELLED_BY_USER', params: {} }).on).toBe('nobody')
    expect(blameFor({ code: 'LEASE_LOST', params: {} }).on).toBe('nobody')
    expect(blameFor(null).on).toBe('nobody')
  })
})
