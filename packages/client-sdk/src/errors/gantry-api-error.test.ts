import { describe, expect, expectTypeOf, it } from 'vitest'

import { GantryApiError, isGantryApiError } from './gantry-api-error.js'

const thrown = (): unknown =>
  new GantryApiError({ code: 'NAME_TAKEN', message: 'The name “One” is already in use.', params: { name: 'One' } })

describe('an error of the client', () => {
  it('is told by its code, and then has the params of that code', () => {
    const error = thrown()
    if (!isGantryApiError(error, 'NAME_TAKEN')) throw new Error('not recognised')
    expectTypeOf(error.params.name).toEqualTypeOf<string>()
    expect(error.params.name).toBe('One')
    expect(isGantryApiError(error, 'NOT_FOUND')).toBe(false)
  })

  it('of any code has whatever params the server sent', () => {
    const error = thrown()
    if (!isGantryApiError(error)) throw new Error('not recognised')
    expectTypeOf(error.params['name']).toEqualTypeOf<unknown>()
    expect(error.params['name']).toBe('One')
    expect(isGantryApiError(new Error('x'))).toBe(false)
  })
})
