import { describe, expect, it } from 'vitest'
import { materialInIdentifier, normaliseMaterial } from './material-name.js'
import { cleanText, parseDurationSeconds, parseNumber, parseTextList } from './values.js'

describe('parseDurationSeconds', () => {
  it.each([
    ['1d 2h 3m 4s', 93_784],
    ['19m 0s', 1140],
    ['2h', 7200],
    ['898', 898],
    ['77.5', 77.5],
    ['', null],
    ['soon', null],
    ['1h and more', null],
    ['999999999d', null],
  ])('reads %j as %j', (text, seconds) => {
    expect(parseDurationSeconds(text)).toBe(seconds)
  })
})

describe('parseNumber', () => {
  it.each(['', '-1', 'NaN', 'Infinity', '1e3', '0x10', '9'.repeat(400), '1,5'])('refuses %j', (text) => {
    expect(parseNumber(text)).toBeNull()
  })
})

describe('parseTextList', () => {
  it('keeps semicolons and quotes inside quoted texts', () => {
    expect(parseTextList('"a; b";c;"d \\" e";;f')).toEqual(['a; b', 'c', 'd " e', null, 'f'])
  })
})

describe('cleanText', () => {
  it('never cuts a character in two', () => {
    expect(cleanText('😀'.repeat(300))).toBe('😀'.repeat(200))
  })
})

describe('normaliseMaterial', () => {
  it.each([
    ['pla', 'PLA'],
    ['PET-G', 'PETG'],
    ['pa cf', 'PA-CF'],
    ['Nylon', 'PA'],
    ['unknown', null],
    ['', null],
  ])('calls %j %j', (text, name) => {
    expect(normaliseMaterial(text)).toBe(name)
  })

  it('finds a plastic in an identifier', () => {
    expect(materialInIdentifier('generic_petg_175')).toBe('PETG')
    expect(materialInIdentifier('mystery_175')).toBeNull()
  })
})
